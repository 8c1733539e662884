import { expect, type Locator, type Page, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { cellAt, chooseFile, consoleErrors, csv, type Files, news, published, signIn, unique, uploadNew } from './steps';
import { workbook } from './xlsx';

const book = (name: string): Files => ({
  name,
  mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  buffer: workbook([
    { name: 'Stock', rows: [['article', 'pieces'], ['A1', 4], ['A2', 9]] },
    { name: 'Sizes', rows: [['article', 'size'], ['A1', 1.5]] },
  ]),
});

const TWO_TABLES = 'town,sum\nUlm,10\nRom,12\n\ncode,land,size\nDE,Germany,1\nIT,Italy,2\n';

/** Sends a file for a new dataset and comes to its preview. */
async function previewNew(page: Page, file: Files, name: string): Promise<void> {
  await page.goto('/');
  const dialog = await chooseFile(page, file);
  await dialog.getByLabel('Name of the dataset').fill(name);
  const preview = dialog.getByRole('checkbox', { name: 'Preview before import' });
  if (!(await preview.isChecked())) await preview.click({ force: true });
  await dialog.getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page).toHaveURL(/\/uploads\/upl_\w+\/preview$/);
}

const says = (page: Page): Locator => page.getByRole('region', { name: 'What the import will do' }).getByRole('status');
const tablesOf = (page: Page, file: string): Locator => page.getByRole('navigation', { name: `Tables of ${file}` });
const heading = (page: Page): Locator => page.getByRole('heading', { level: 1 });

test.beforeEach(({ page }) => signIn(page));

test('a workbook of two sheets becomes two datasets, and its card tells of both', async ({ page }) => {
  const errors = consoleErrors(page);
  const name = unique('shop');
  const card = await uploadNew(page, book('shop.xlsx'), name);
  await published(card);
  const tables = card.getByRole('list', { name: 'Tables of shop.xlsx' });
  await expect(tables.getByRole('listitem')).toHaveText([/Stock.*published/, /Sizes.*published/], { timeout: 60_000 });
  await expectNoViolations(page, 'card of two tables');
  await tables.getByRole('link', { name: 'Sizes' }).click();
  await expect(heading(page)).toContainText(`${name} · Sizes`);
  await expect(page.getByTestId('total')).toHaveText('1 row');
  expect(await cellAt(page, 1, 'size')).toBe('1.5');
  // The dock has one card for the file, also after a reload.
  await page.reload();
  await expect(page.locator('[data-testid="upload-card"]').filter({ hasText: 'shop.xlsx' }).first()).toBeVisible();
  await expect(page.locator(`[data-testid="upload-card"][data-dataset="${name} · Sizes"]`)).toHaveCount(0);
  await page.goto('/uploads');
  await expect(page.getByRole('row').filter({ hasText: 'shop.xlsx · Sizes' }).filter({ hasText: name })).toBeVisible();
  expect(errors).toEqual([]);
});

test('the tables of a file are looked at and imported one after the other', async ({ page }) => {
  const name = unique('book');
  await previewNew(page, book('book.xlsx'), name);
  const tables = tablesOf(page, 'book.xlsx');
  await expect(says(page)).toHaveText('2 rows will be added.', { timeout: 60_000 });
  await expect(heading(page)).toHaveText('Preview of book.xlsx · Stock');
  await expect(tables.getByRole('link', { name: /Stock/ })).toHaveAttribute('aria-current', 'page');
  // Which sheet it reads is not chosen where each has an import of its own.
  await expect(page.getByRole('region', { name: 'How the file is read' }).getByRole('button', { name: /Sheet/ })).toHaveCount(0);
  await expect(tables.getByRole('link', { name: /Sizes.*waiting for you/ })).toBeVisible({ timeout: 60_000 });
  await expectNoViolations(page, 'preview of two tables');
  await tables.getByRole('link', { name: /Sizes/ }).click();
  await expect(heading(page)).toHaveText('Preview of book.xlsx · Sizes');
  await expect(says(page)).toHaveText('1 row will be added.', { timeout: 60_000 });
  await tables.getByRole('link', { name: /Stock/ }).click();
  await expect(heading(page)).toHaveText('Preview of book.xlsx · Stock');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  // On to the one that still waits.
  await expect(news(page)).toContainText('Next: Sizes', { timeout: 60_000 });
  await expect(heading(page)).toHaveText('Preview of book.xlsx · Sizes');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByTestId('total')).toHaveText('1 row', { timeout: 60_000 });
  await expect(heading(page)).toContainText(`${name} · Sizes`);
});

test('one table alone is imported, and the others are cancelled', async ({ page }) => {
  await previewNew(page, book('alone.xlsx'), unique('alone'));
  const tables = tablesOf(page, 'alone.xlsx');
  await expect(tables.getByRole('link', { name: /Sizes.*waiting for you/ })).toBeVisible({ timeout: 60_000 });
  await tables.getByRole('button', { name: 'Only Stock: cancel the other table' }).click();
  await expect(tables.getByRole('link', { name: /Sizes.*cancelled/ })).toBeVisible();
  await expect(tables.getByRole('button')).toHaveCount(0);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByTestId('total')).toHaveText('2 rows', { timeout: 60_000 });
});

test('a second table in a text is kept with it, or made a dataset of its own', async ({ page }) => {
  const name = unique('towns');
  await previewNew(page, csv('towns.csv', TWO_TABLES), name);
  await expect(says(page)).toHaveText('5 rows will be added.', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Make it a dataset of its own' }).click();
  await expect(says(page)).toHaveText('2 rows will be added.', { timeout: 60_000 });
  const second = tablesOf(page, 'towns.csv').getByRole('link', { name: /table 2.*waiting for you/ });
  await expect(second).toBeVisible({ timeout: 60_000 });
  await second.click();
  await expect(says(page)).toHaveText('2 rows will be added.', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(news(page)).toContainText('Next: table 1', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(heading(page)).toContainText(name, { timeout: 60_000 });
  await expect(page.getByTestId('total')).toHaveText('2 rows');
});
