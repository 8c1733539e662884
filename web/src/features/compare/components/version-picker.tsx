import { useInfiniteQuery } from '@tanstack/react-query';
import { ChevronDown } from 'lucide-react';

import { Button } from '@/components/button';
import { MenuButton, MenuItem } from '@/components/menu';
import { versionsQuery } from '@/features/datasets/api';
import { dayTime } from '@/lib/format';

interface VersionPickerProps {
  dataset: string;
  label: string;
  value: number;
  onChange: (version: number) => void;
}

/** Of the newest versions; any other two are chosen in History. */
export function VersionPicker({ dataset, label, value, onChange }: VersionPickerProps) {
  const versions = useInfiniteQuery(versionsQuery(dataset));
  const known = versions.data?.pages.flatMap((page) => page.versions) ?? [];
  const info = known.find((other) => other.version === value);
  return (
    <MenuButton
      label={label}
      selectionMode="single"
      selectedKeys={[value]}
      onAction={(key) => onChange(Number(key))}
      trigger={
        <Button aria-label={`${label}: v${value}`}>
          <b>v{value}</b>
          {info ? <span className="faint desk-only"> · {dayTime(info.published_at)}</span> : null}
          <ChevronDown size={14} aria-hidden />
        </Button>
      }
    >
      {known.map((other) => (
        <MenuItem key={other.version} id={other.version} textValue={`v${other.version}`}>
          <b>v{other.version}</b>
          <span className="small faint">{dayTime(other.published_at)}</span>
          <span className="small cut" style={{ maxWidth: 220 }}>{other.message}</span>
        </MenuItem>
      ))}
    </MenuButton>
  );
}
