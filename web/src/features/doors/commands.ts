// What to type to get rows in by these doors.
import type { DropFolder } from '@/lib/api/types';

export function dropCommand({ bucket, prefix, endpoint, region }: DropFolder): string {
  return `aws s3 cp rows.csv s3://${bucket}/${prefix} --region ${region}${endpoint ? ` --endpoint-url ${endpoint}` : ''}`;
}

/** Signs with nothing but what every system has. */
export const signCommand = (url: string): string => `KEY=whsec_…   # the key that was shown once
FILE=rows.csv
ID=msg_$(date +%s)_$RANDOM
AT=$(date +%s)
HEX=$(printf %s "\${KEY#whsec_}" | base64 -d | od -An -tx1 | tr -d ' \\n')
SIG=$( { printf %s.%s. "$ID" "$AT"; cat "$FILE"; } | openssl dgst -sha256 -mac HMAC -macopt hexkey:$HEX -binary | base64)
curl --data-binary @"$FILE" -H 'content-type: text/csv' -H "webhook-id: $ID" \\
  -H "webhook-timestamp: $AT" -H "webhook-signature: v1,$SIG" ${url}`;
