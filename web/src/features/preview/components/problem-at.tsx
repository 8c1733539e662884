import { CircleAlert } from 'lucide-react';

import type { Problem } from '@/lib/api/types';

/** What is wrong, at the control that mends it. */
export function ProblemAt({ problem }: { problem: Problem | null }) {
  if (!problem) return null;
  return (
    <div className="notice bad" role="alert">
      <CircleAlert size={15} aria-hidden />
      <span>{problem.detail}</span>
    </div>
  );
}
