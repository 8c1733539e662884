import { expect, test } from '@playwright/test';

import { cellAt, csv, signIn, uploadNew } from './steps';

test.beforeEach(({ page }) => signIn(page));

test('a row that does not fit is quarantined with its place, and the receipt still balances', async ({ page }) => {
  const card = await uploadNew(page, csv('people.csv', 'id,name\n1,Ada\n2,Gr\0ace\n3,Lin\n'), `people ${Date.now()}`);
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 60_000 });
  await expect(card.getByTestId('receipt')).toHaveText('3 rows read = 2 inserted + 1 quarantined');
  await card.getByRole('link', { name: /^Open/ }).click();
  await page.getByRole('tab', { name: /Quarantine 1/ }).click();
  await expect(page.getByText('nul_byte')).toBeVisible();
  await expect(page.getByText(/record 3/)).toBeVisible();
});

test('ragged rows are kept, with a warning each and its place', async ({ page }) => {
  const card = await uploadNew(page, csv('ragged.csv', 'a,b\n1,2\n3\n4,5,6\n'), `ragged ${Date.now()}`);
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 60_000 });
  await card.getByRole('link', { name: /2 warnings/ }).click();
  await expect(page.getByText('short_row')).toBeVisible();
  await expect(page.getByText('long_row')).toBeVisible();
});

test('null and empty text do not look the same', async ({ page }) => {
  const card = await uploadNew(page, csv('nulls.csv', 'n,t\n1,x\nNA,\n3,y\n'), `nulls ${Date.now()}`);
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 60_000 });
  await card.getByRole('link', { name: /^Open/ }).click();
  expect(await cellAt(page, 2, 'n')).toBe('–');
  expect(await cellAt(page, 2, 't')).toBe('');
});

test('an empty file is stopped before it is sent', async ({ page }) => {
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Upload a file' }).first().click();
  await (await chooser).setFiles(csv('empty.csv', ''));
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('is empty');
  await expect(page.getByRole('dialog').getByRole('button', { name: 'Upload', exact: true })).toBeDisabled();
});

test('a dataset that is not there says so, and the way on', async ({ page }) => {
  await page.goto('/datasets/dst_00000000000000000000000000');
  await expect(page.getByRole('alert')).toContainText('Not found');
  await page.getByRole('link', { name: 'Go to datasets' }).click();
  await expect(page.getByRole('heading', { name: 'Datasets' })).toBeVisible();
});
