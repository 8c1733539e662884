import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';

interface DialogProps {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
  /** Asks for an answer: no closing by a click beside it. */
  alert?: boolean;
  /** Holds what somebody wrote: a click beside it closes nothing. */
  stays?: boolean;
  wide?: boolean;
}

/** A dialog's frame; the body brings its own `DialogBody` and `DialogFoot`. */
export function Dialog({ title, isOpen, onClose, children, alert = false, stays = false, wide = false }: DialogProps) {
  return (
    <ModalOverlay className="overlay" isOpen={isOpen} onOpenChange={(open) => open || onClose()} isDismissable={!alert && !stays}>
      <Modal className={`dialog ${wide ? 'wide' : ''}`}>
        <AriaDialog className="dialog-inner" role={alert ? 'alertdialog' : 'dialog'}>
          <Heading slot="title" level={2} className="dialog-head">
            {title}
          </Heading>
          {children}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export const DialogBody = ({ children }: { children: ReactNode }) => <div className="dialog-body">{children}</div>;
export const DialogFoot = ({ children }: { children: ReactNode }) => <div className="dialog-foot">{children}</div>;
