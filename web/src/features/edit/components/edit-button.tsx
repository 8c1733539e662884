import { LogOut, PencilLine } from 'lucide-react';
import { useEffect } from 'react';
import { Tooltip, TooltipTrigger } from 'react-aria-components';

import { Button } from '@/components/button';
import type { Dataset } from '@/lib/api/types';

import { exitSession, useEditSession } from '../use-edit-session';

const KEYS = /Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘ E' : 'Ctrl E';

/** The one primary button of a dataset: into the session, and out of it. */
export function EditButton({ dataset, onStart }: { dataset: Dataset; onStart: () => void }) {
  const { store, state } = useEditSession(dataset.id);
  const active = state.session !== null;
  const may = dataset.role !== 'viewer';

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== 'e') return;
      if (!active && !may) return;
      event.preventDefault();
      // Leaves an open cell editor first, so that what was typed is in.
      if (document.activeElement instanceof HTMLElement && document.activeElement.closest('.cell-editor, .row-form')) document.activeElement.blur();
      if (active) exitSession(store);
      else {
        store.start(dataset);
        onStart();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [store, dataset, active, may, onStart]);

  if (!active && !may) return null;
  return (
    <TooltipTrigger delay={500}>
      {active ? (
        <Button look="primary" onPress={() => exitSession(store)} aria-label="Exit grid view" aria-keyshortcuts="Control+E Meta+E">
          <LogOut size={15} aria-hidden /> <span className="phone-only">Exit</span><span className="desk-only">Exit grid view</span>
        </Button>
      ) : (
        <Button
          look="primary"
          aria-label="Edit in grid view"
          aria-keyshortcuts="Control+E Meta+E"
          onPress={() => {
            store.start(dataset);
            onStart();
          }}
        >
          <PencilLine size={15} aria-hidden /> <span className="phone-only">Edit</span><span className="desk-only">Edit in grid view</span>
        </Button>
      )}
      <Tooltip className="tooltip" offset={6}>
        {active ? 'Look through the changes, then publish or discard them' : 'Change cells and rows; nothing is published until you exit'}
        <kbd>{KEYS}</kbd>
      </Tooltip>
    </TooltipTrigger>
  );
}
