import './notices.css';

import { CircleAlert, CircleCheck, X } from 'lucide-react';
import { useEffect, useState } from 'react';

import { dismiss, type Notice, useNotices } from '@/lib/notices';

import { Button, IconButton } from './button';

const STAYS_MS = 20_000;

/** Stays while it is pointed at or has the focus: nobody loses an undo that they reach for. */
function NoticeItem({ notice }: { notice: Notice }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held || notice.bad) return;
    const timer = setTimeout(() => dismiss(notice.id), STAYS_MS);
    return () => clearTimeout(timer);
  }, [held, notice]);
  return (
    <li className={`news ${notice.bad ? 'bad' : ''}`} onPointerEnter={() => setHeld(true)} onPointerLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      {notice.bad ? <CircleAlert size={16} aria-hidden /> : <CircleCheck size={16} aria-hidden />}
      <span className="grow">{notice.text}</span>
      {notice.undo ? (
        <Button
          size="tiny"
          onPress={() => {
            notice.undo?.();
            dismiss(notice.id);
          }}
        >
          Undo
        </Button>
      ) : null}
      <IconButton label="Put away" tiny onPress={() => dismiss(notice.id)}>
        <X size={14} aria-hidden />
      </IconButton>
    </li>
  );
}

export function Notices() {
  const notices = useNotices();
  return (
    <div className="news-place" role="status" aria-label="News">
      <ul>
        {notices.map((notice) => (
          <NoticeItem key={notice.id} notice={notice} />
        ))}
      </ul>
    </div>
  );
}
