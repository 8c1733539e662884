import { useInfiniteQuery } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';
import { uploadsQuery } from '@/features/uploads/api';
import { UploadTable } from '@/features/uploads/components/upload-table';
import { chooseFiles } from '@/features/uploads/drop-intent';

export function UploadsPage() {
  const uploads = useInfiniteQuery(uploadsQuery);
  const all = uploads.data?.pages.flatMap((page) => page.uploads) ?? [];
  const choose = <Button look="primary" onPress={() => chooseFiles()}><FileUp size={15} aria-hidden /> Upload a file</Button>;
  return (
    <div className="page">
      <div className="page-head"><h1>Uploads</h1>{choose}</div>
      {uploads.isPending ? <Skeleton /> : null}
      {uploads.isError && all.length === 0 ? <Failed error={uploads.error} what="The uploads could not be read" onRetry={() => void uploads.refetch()} /> : null}
      {uploads.data && all.length === 0 ? (
        <Empty icon={<FileUp size={28} aria-hidden />} title="No uploads yet" actions={choose}>Drop a CSV file anywhere on the page, or choose one. Each upload keeps its receipt here.</Empty>
      ) : null}
      {all.length > 0 ? <UploadTable uploads={all} withDataset /> : null}
      {uploads.hasNextPage ? <Button onPress={() => void uploads.fetchNextPage()} isDisabled={uploads.isFetchingNextPage}>Show older uploads</Button> : null}
    </div>
  );
}
