import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { Failed, Skeleton } from '@/components/states';
import { Time } from '@/components/time';
import { StateBadge } from '@/features/uploads/components/upload-table';
import { bytes } from '@/lib/format';

import { deliveriesQuery } from '../api';

/** The newest messages of a hook and what became of them. */
export function Deliveries({ datasetId, hookId }: { datasetId: string; hookId: string }) {
  const deliveries = useQuery(deliveriesQuery(datasetId, hookId));
  if (deliveries.isPending) return <Skeleton lines={2} />;
  if (!deliveries.data) return <Failed error={deliveries.error} what="The messages could not be read" onRetry={() => void deliveries.refetch()} />;
  if (deliveries.data.deliveries.length === 0) return <p className="small faint">It has taken no message yet.</p>;
  return (
    <ul className="deliveries" aria-label="Messages, newest first">
      {deliveries.data.deliveries.map((delivery) => (
        <li key={delivery.message_id}>
          <Link to="/uploads/$id" params={{ id: delivery.upload_id }} className="mono cut" title={delivery.message_id}>{delivery.message_id}</Link>
          {delivery.state ? <StateBadge state={delivery.state} /> : null}
          <span className="small faint grow" style={{ whiteSpace: 'nowrap' }}>{bytes(delivery.bytes)}</span>
          <span className="small faint" style={{ whiteSpace: 'nowrap' }}><Time iso={delivery.received_at} /></span>
        </li>
      ))}
    </ul>
  );
}
