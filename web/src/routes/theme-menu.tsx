import type { LucideIcon } from 'lucide-react';

import { IconButton } from '@/components/button';
import { MenuButton, MenuItem } from '@/components/menu';
import { setTheme, type Theme } from '@/lib/theme';

export interface ThemeChoice {
  id: Theme;
  label: string;
  icon: LucideIcon;
}

interface ThemeMenuProps {
  themes: readonly ThemeChoice[];
  theme: Theme;
  icon: LucideIcon;
}

export function ThemeMenu({ themes, theme, icon: ThemeIcon }: ThemeMenuProps) {
  return (
    <MenuButton
      label="Theme"
      selectionMode="single"
      selectedKeys={[theme]}
      onAction={(key) => setTheme(key as Theme)}
      trigger={
        <IconButton label="Theme">
          <ThemeIcon size={16} aria-hidden />
        </IconButton>
      }
    >
      {themes.map(({ id, label, icon: Icon }) => (
        <MenuItem key={id} id={id} textValue={label}>
          <Icon size={15} aria-hidden /> {label}
        </MenuItem>
      ))}
    </MenuButton>
  );
}
