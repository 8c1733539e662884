import { queryOptions } from '@tanstack/react-query';

import { api, unwrap } from '@/lib/api/client';

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => unwrap(api.GET('/api/v1/me', { signal })),
  staleTime: 5 * 60_000,
});

/** Where the sign-in button goes; the API comes back to `returnTo`. */
export const signInUrl = (returnTo: string): string => `/api/v1/auth/sign-in?return_to=${encodeURIComponent(returnTo)}`;

export async function signOut(): Promise<void> {
  await unwrap(api.POST('/api/v1/auth/sign-out'));
}
