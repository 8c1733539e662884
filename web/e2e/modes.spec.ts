import { expect, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { cellAt, chooseFile, csv, datasetId, published, sendUnseen, signIn, unique, uploadNew } from './steps';

test.beforeEach(({ page }) => signIn(page));

test('a file updates the rows that it knows by their key and adds the others', async ({ page }) => {
  const name = unique('tools');
  const card = await uploadNew(page, csv('tools.csv', 'sku,name,price\nA1,Anvil,10.50\nB2,Bucket,3.20\nC3,Chisel,7.00\n'), name);
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('grid')).toBeVisible();
  const dataset = datasetId(page);

  const dialog = await chooseFile(page, csv('news.csv', 'sku,price\nB2,3.50\nD4,9.00\n'), 'Upload rows');
  const upload = dialog.getByRole('button', { name: 'Upload', exact: true });
  await dialog.getByRole('radio', { name: 'Update and add' }).click();
  // The usual key is chosen already; without any there is nothing to send.
  const keys = dialog.getByRole('listbox', { name: 'Key columns' });
  await expect(keys.getByRole('option', { name: 'sku' })).toHaveAttribute('aria-selected', 'true');
  await keys.getByRole('option', { name: 'sku' }).click();
  await expect(upload).toBeDisabled();
  await keys.getByRole('option', { name: 'sku' }).click();
  await expectNoViolations(page, 'the upload dialog');
  await sendUnseen(dialog);

  await published(page.locator('[data-testid="upload-card"]').first());
  await page.goto(`/datasets/${dataset}`);
  await expect(page.getByLabel('Totals')).toContainText('4 rows');
  expect([await cellAt(page, 1, 'price'), await cellAt(page, 2, 'price'), await cellAt(page, 2, 'name'), await cellAt(page, 4, 'sku')]).toEqual(['10.50', '3.50', 'Bucket', 'D4']);
});
