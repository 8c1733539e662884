import { Check, Copy } from 'lucide-react';
import { useState } from 'react';

import { IconButton } from './button';
import './copyable.css';

/** A text to take elsewhere: an address, a command. `what` names it: "the command". */
export function Copyable({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  };
  return (
    <div className="copyable">
      <pre>{text}</pre>
      <IconButton label={copied ? 'Copied' : `Copy ${what}`} tiny onPress={() => void copy()}>
        {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
      </IconButton>
      <span className="visually-hidden" role="status">{copied ? 'Copied.' : ''}</span>
    </div>
  );
}
