import { expect, test } from '@playwright/test';

import { cellAt, chooseFile, csv, published, signIn, unique, uploadNew } from './steps';

test.beforeEach(({ page }) => signIn(page));

test('a row that does not fit is quarantined with its place, and the receipt still balances', async ({ page }) => {
  const card = await uploadNew(page, csv('people.csv', 'id,name\n1,Ada\n2,Gr\0ace\n3,Lin\n'), unique('people'));
  await published(card);
  await expect(card.getByTestId('receipt')).toHaveText('3 rows read = 2 inserted + 1 quarantined');
  await expect(card.getByLabel('balanced')).toBeVisible();
  await card.getByRole('link', { name: /^Open/ }).click();
  await page.getByRole('tab', { name: /Quarantine 1/ }).click();
  await page.getByRole('gridcell', { name: /NUL character/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Record 3 of people.csv' });
  await expect(dialog).toContainText('Line 3');
  await dialog.getByRole('link', { name: 'people.csv' }).click();
  await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible();
});

test('ragged rows are kept, with a warning each and its place', async ({ page }) => {
  const card = await uploadNew(page, csv('ragged.csv', 'a,b\n1,2\n3\n4,5,6\n'), unique('ragged'));
  await published(card);
  await expect(card.getByTestId('receipt')).toHaveText('3 rows read = 3 inserted + 0 quarantined');
  await card.getByRole('link', { name: /2 warnings/ }).click();
  await expect(page.getByText('short_row')).toBeVisible();
  await expect(page.getByText('long_row')).toBeVisible();
});

test('null and empty text do not look the same', async ({ page }) => {
  const card = await uploadNew(page, csv('nulls.csv', 'n,t\n1,x\nNA,\n3,y\n'), unique('nulls'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  expect(await cellAt(page, 2, 'n')).toBe('–');
  expect(await cellAt(page, 2, 't')).toBe('');
});

test('a header alone becomes a dataset without rows, which says so', async ({ page }) => {
  const card = await uploadNew(page, csv('header.csv', 'id,name\n'), unique('header'));
  await published(card);
  await expect(card.getByTestId('receipt')).toHaveText('0 rows read = 0 inserted + 0 quarantined');
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('heading', { name: 'No rows' })).toBeVisible();
  await expect(page.getByText('This version has 2 columns and no rows: id, name')).toBeVisible();
});

test('an empty file is stopped before it is sent', async ({ page }) => {
  const dialog = await chooseFile(page, csv('empty.csv', ''));
  await expect(dialog.getByRole('alert')).toContainText('is empty');
  await expect(dialog.getByRole('button', { name: 'Upload', exact: true })).toBeDisabled();
});

test('a damaged workbook is refused by what it holds, also under the name of a CSV file, and nothing appears', async ({ page }) => {
  const name = unique('workbook');
  const zip = Buffer.concat([Buffer.from('PK\u0003\u0004\u0014\0\u0006\0\u0008\0'), Buffer.alloc(400, 1)]);
  const card = await uploadNew(page, csv('workbook.csv', zip), name);
  await expect(card).toHaveAttribute('data-stage', 'failed', { timeout: 60_000 });
  await expect(card.getByRole('alert')).toContainText('damaged');
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Datasets' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name })).toHaveCount(0);
});

test('a foreign extension does not matter when the file is a table', async ({ page }) => {
  const card = await uploadNew(page, { name: 'export.dat', mimeType: 'application/octet-stream', buffer: Buffer.from('id;name\n1;Ada\n2;Lin\n') }, unique('extension'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  expect(await cellAt(page, 2, 'name')).toBe('Lin');
});

test('a dataset that is not there says so, and the way on', async ({ page }) => {
  await page.goto('/datasets/dst_00000000000000000000000000');
  await expect(page.getByRole('alert')).toContainText('Not found');
  await page.getByRole('link', { name: 'Go to datasets' }).click();
  await expect(page.getByRole('heading', { name: 'Datasets' })).toBeVisible();
});
