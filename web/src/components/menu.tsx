import { Check } from 'lucide-react';
import type { ReactNode } from 'react';
import { Menu as AriaMenu, MenuItem as AriaMenuItem, type MenuItemProps, type MenuProps, MenuTrigger, Popover } from 'react-aria-components';

interface MenuButtonProps extends Omit<MenuProps<object>, 'children'> {
  trigger: ReactNode;
  label: string;
  children: ReactNode;
}

export function MenuButton({ trigger, label, children, ...props }: MenuButtonProps) {
  return (
    <MenuTrigger>
      {trigger}
      <Popover className="popover">
        <AriaMenu className="menu" aria-label={label} {...props}>
          {children}
        </AriaMenu>
      </Popover>
    </MenuTrigger>
  );
}

export function MenuItem({ children, bad, ...props }: Omit<MenuItemProps, 'children' | 'className'> & { children: ReactNode; bad?: boolean }) {
  return (
    <AriaMenuItem {...props} className={`menu-item ${bad ? 'bad' : ''}`}>
      {({ isSelected }) => (
        <>
          {children}
          {isSelected ? <Check size={14} aria-hidden style={{ marginLeft: 'auto' }} /> : null}
        </>
      )}
    </AriaMenuItem>
  );
}
