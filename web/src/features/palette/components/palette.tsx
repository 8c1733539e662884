import { Table2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { Autocomplete, Dialog, Input, Menu, MenuItem, Modal, ModalOverlay, SearchField, useFilter } from 'react-aria-components';

import type { Dataset } from '@/lib/api/types';
import { plural } from '@/lib/format';
import '../palette.css';

export interface Action {
  id: string;
  label: string;
  icon: ReactNode;
  keys?: string;
  run: () => void;
}

interface PaletteProps {
  isOpen: boolean;
  onClose: () => void;
  datasets: readonly Dataset[];
  actions: readonly Action[];
  onDataset: (id: string) => void;
}

/** Ctrl/⌘ K: datasets and actions by a few letters. */
export function Palette({ isOpen, onClose, datasets, actions, onDataset }: PaletteProps) {
  const { contains } = useFilter({ sensitivity: 'base' });
  const choose = (run: () => void) => () => {
    onClose();
    run();
  };
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable>
      <Modal className="dialog palette">
        <Dialog className="dialog-inner" aria-label="Find a dataset or an action">
          <Autocomplete filter={contains}>
            <SearchField aria-label="Find a dataset or an action" autoFocus>
              <Input className="palette-input" placeholder="Find a dataset or an action" />
            </SearchField>
            {/* The keys move in the list from the field; the box itself can be scrolled by keys as well. */}
            <div className="palette-list" role="group" aria-label="Found" tabIndex={0}>
              <Menu className="menu palette-menu" aria-label="Found" renderEmptyState={() => <p className="picker-empty faint">Nothing has this name.</p>}>
                {datasets.map((dataset) => (
                  <MenuItem key={dataset.id} id={dataset.id} className="menu-item" textValue={dataset.name} onAction={choose(() => onDataset(dataset.id))}>
                    <Table2 size={15} aria-hidden />
                    <span className="cut grow">{dataset.name}</span>
                    <span className="small faint">{plural(dataset.rows, 'row')}</span>
                  </MenuItem>
                ))}
                {actions.map((action) => (
                  <MenuItem key={action.id} id={action.id} className="menu-item" textValue={action.label} onAction={choose(action.run)}>
                    {action.icon}
                    <span className="cut grow">{action.label}</span>
                    {action.keys ? <kbd className="small faint">{action.keys}</kbd> : null}
                  </MenuItem>
                ))}
              </Menu>
            </div>
          </Autocomplete>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
