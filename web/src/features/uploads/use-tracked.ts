import { useSyncExternalStore } from 'react';

import { snapshot, subscribe, type Tracked } from './upload-store';

export const useTracked = (): readonly Tracked[] => useSyncExternalStore(subscribe, snapshot);
