import { useInfiniteQuery } from '@tanstack/react-query';
import { FileUp } from 'lucide-react';

import { Button } from '@/components/button';
import { Empty, Failed, Skeleton } from '@/components/states';

import { uploadsQuery } from '../api';
import { chooseFiles } from '../drop-intent';
import { UploadTable } from './upload-table';

/** Your imports into one dataset. */
export function ImportsTab({ datasetId }: { datasetId: string }) {
  const uploads = useInfiniteQuery(uploadsQuery);
  const mine = (uploads.data?.pages.flatMap((page) => page.uploads) ?? []).filter((upload) => upload.dataset_id === datasetId);
  return (
    <div className="page">
      {uploads.isPending ? <Skeleton /> : null}
      {uploads.isError && mine.length === 0 ? <Failed error={uploads.error} what="The imports could not be read" onRetry={() => void uploads.refetch()} /> : null}
      {uploads.data && mine.length === 0 ? (
        <Empty icon={<FileUp size={28} aria-hidden />} title="No imports of yours" actions={<Button onPress={() => chooseFiles(datasetId)}>Upload rows</Button>}>
          Files that you send into this dataset are listed here with their receipts. Everybody’s versions are in History.
        </Empty>
      ) : null}
      {mine.length > 0 ? <UploadTable uploads={mine} withDataset={false} /> : null}
      {uploads.hasNextPage ? <Button onPress={() => void uploads.fetchNextPage()} isDisabled={uploads.isFetchingNextPage}>Look further back</Button> : null}
    </div>
  );
}
