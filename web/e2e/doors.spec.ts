import { createHmac } from 'node:crypto';

import { expect, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { consoleErrors, csv, datasetId, published, signIn, unique, uploadNew } from './steps';

test.beforeEach(({ page }) => signIn(page));

/** Sends a body to a hook as a partner's system does: without the page's cookies. */
async function send(url: string, secret: string, id: string, body: string): Promise<{ status: number; upload: string }> {
  const at = Math.floor(Date.now() / 1000);
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64');
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', 'webhook-id': id, 'webhook-timestamp': String(at), 'webhook-signature': `v1,${signature}` },
    body,
  });
  const { upload_id: upload = '' } = (await answer.json()) as { upload_id?: string };
  return { status: answer.status, upload };
}

test('a webhook is made, takes signed rows once, is paused, gets a new key and is deleted', async ({ page }) => {
  const errors = consoleErrors(page);
  const card = await uploadNew(page, csv('towns.csv', 'id,town\n1,Zürich\n'), unique('doors'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await page.getByRole('tab', { name: 'Settings' }).click();
  await expect(page.getByText(`s3://gridkeep/drop/${datasetId(page)}/`)).toBeVisible();

  await page.getByRole('button', { name: 'New webhook' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Partner');
  await page.getByRole('button', { name: 'Make the webhook' }).click();
  const dialog = page.getByRole('dialog', { name: 'The key of Partner' });
  const secret = await dialog.locator('pre').first().innerText();
  expect(secret).toMatch(/^whsec_/);
  await expectNoViolations(page, 'key');
  await dialog.getByRole('button', { name: 'I have the key' }).click();
  const hook = page.locator('[data-hook="Partner"]');
  const url = await hook.locator('pre').innerText();

  const first = await send(url, secret, 'msg_1', 'id,town\n2,Łódź\n');
  expect(first.status).toBe(202);
  expect(await send(url, secret, 'msg_1', 'id,town\n2,Łódź\n')).toEqual(first);
  const state = async (): Promise<unknown> => ((await (await page.request.get(`/api/v1/uploads/${first.upload}`)).json()) as { state: string }).state;
  await expect.poll(state, { timeout: 30_000 }).toBe('published');
  await hook.getByRole('button', { name: 'Show its messages' }).click();
  await expect(hook.getByRole('list', { name: /^Messages/ }).getByRole('listitem')).toHaveText(/msg_1.*published/);
  await expectNoViolations(page, 'settings with doors');

  await hook.getByRole('button', { name: 'Pause' }).click();
  await expect(hook).toContainText('paused');
  expect((await send(url, secret, 'msg_2', 'id,town\n3,Graz\n')).status).toBe(409);
  await hook.getByRole('button', { name: 'Resume' }).click();
  await expect(hook).toContainText('takes messages');
  await hook.getByRole('button', { name: 'New key' }).click();
  await hook.getByRole('button', { name: 'Make a new key' }).click();
  expect(await dialog.locator('pre').first().innerText()).not.toBe(secret);
  await dialog.getByRole('button', { name: 'I have the key' }).click();
  await expect(hook).toContainText('Two keys are good until');

  await hook.getByRole('button', { name: 'Delete' }).click();
  await hook.getByRole('alert').getByRole('button', { name: 'Delete' }).click();
  await expect(hook).toHaveCount(0);
  expect((await send(url, secret, 'msg_3', 'id,town\n4,Brno\n')).status).toBe(401);
  expect(errors).toEqual([]);
});
