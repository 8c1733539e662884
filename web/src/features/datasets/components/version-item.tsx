import { Link } from '@tanstack/react-router';
import { ArrowLeftRight, Eye, RotateCcw } from 'lucide-react';

import { Button } from '@/components/button';
import { Checkbox } from '@/components/checkbox';
import { Time } from '@/components/time';
import { ChangeCount } from '@/features/compare/components/change-counts';
import { ReceiptLine } from '@/features/uploads/components/receipt';
import { balances } from '@/features/uploads/receipt-lines';
import type { Dataset, Receipt, VersionInfo } from '@/lib/api/types';
import { plural } from '@/lib/format';

const KINDS: Record<VersionInfo['kind'], string> = { import: 'import', grid: 'edit session', restore: 'restore', api: 'API' };

/** Whether the whole account says more than the three counts do. */
const saysMore = (receipt: Receipt): boolean => !balances(receipt) || receipt.quarantined > 0 || receipt.unchanged > 0 || receipt.superseded > 0;

function Counts({ receipt, isImport }: { receipt: Receipt; isImport: boolean }) {
  return (
    <>
      <div className="version-counts" data-testid="counts">
        <ChangeCount kind="added" n={receipt.inserted} word="inserted" />
        <ChangeCount kind="changed" n={receipt.updated} word="updated" />
        <ChangeCount kind="removed" n={receipt.deleted} word="deleted" />
      </div>
      {isImport && saysMore(receipt) ? <ReceiptLine receipt={receipt} /> : null}
    </>
  );
}

interface VersionItemProps {
  dataset: Dataset;
  info: VersionInfo;
  shown: number;
  chosen: boolean;
  onChoose: (chosen: boolean) => void;
  onRestore: () => void;
}

export function VersionItem({ dataset, info, shown, chosen, onChoose, onRestore }: VersionItemProps) {
  const { version, kind } = info;
  const isHead = version === dataset.version;
  return (
    <li className="version-row" data-version={version}>
      <Checkbox aria-label={`Choose v${version} to compare`} isSelected={chosen} onChange={onChoose}>
        <b>v{version}</b>
      </Checkbox>
      <div className="stack" style={{ gap: 4 }}>
        <div className="row" style={{ flexWrap: 'wrap' }}>
          {info.message ? <span>{info.message}</span> : null}
          <span className="badge info">{KINDS[kind]}</span>
          {isHead ? <span className="badge good">head</span> : null}
          {info.tags.map((tag) => <span key={tag} className="badge">{tag}</span>)}
        </div>
        <span className="small faint">
          {info.author ?? 'a former member'} · <Time iso={info.published_at} /> · {plural(info.rows, 'row')}
        </span>
        {info.receipt ? <Counts receipt={info.receipt} isImport={kind === 'import'} /> : null}
      </div>
      <div className="version-actions">
        {version === shown ? (
          <span className="small faint">Shown in the grid</span>
        ) : (
          <Link to="/datasets/$id" params={{ id: dataset.id }} search={isHead ? {} : { version }} className="btn tiny" aria-label={`View v${version}`}>
            <Eye size={13} aria-hidden /> View
          </Link>
        )}
        {version > 1 ? (
          <Link to="/datasets/$id" params={{ id: dataset.id }} search={{ tab: 'history', from: version - 1, to: version }} className="btn tiny" aria-label={`Compare v${version - 1} with v${version}`}>
            <ArrowLeftRight size={13} aria-hidden /> Compare
          </Link>
        ) : null}
        {isHead || dataset.role === 'viewer' ? null : (
          <Button size="tiny" aria-label={`Restore v${version}`} onPress={onRestore}>
            <RotateCcw size={13} aria-hidden /> Restore
          </Button>
        )}
      </div>
    </li>
  );
}
