import { expect, type Locator, type Page, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { cellAt, chooseFile, consoleErrors, csv, datasetId, type Files, published, signIn, unique, uploadNew } from './steps';
import { workbook } from './xlsx';

/** An export as offices send them: titles above, semicolons, a legacy encoding, a total below, columns named in another way. */
const MESSY = Buffer.from(
  ['Auszug aus der Bestellliste', 'Stand: Februar', '', 'Article;Price;Datum;Größe;Nr', 'A3;7.00;2024-02-01;groß;17', 'A4;12.40;2024-02-02;klein;18', 'A5;3.10;2024-02-03;groß;offen', ''].join('\r\n'),
  'latin1',
);
const ORDERS = 'article,price,ordered\nA1,10.50,2024-01-05\nA2,3.20,2024-01-06\n';

/** A dataset with two orders; its page is open, and its id given. */
async function orders(page: Page): Promise<string> {
  const card = await uploadNew(page, csv('orders.csv', ORDERS), unique('orders'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('grid')).toBeVisible();
  return datasetId(page);
}

/** Sends a file into the dataset on the screen and waits for its preview. */
async function previewed(page: Page, file: Files): Promise<void> {
  const dialog = await chooseFile(page, file, 'Upload rows');
  await expect(dialog.getByRole('checkbox', { name: 'Preview before import' })).toBeChecked();
  await dialog.getByRole('button', { name: 'Upload', exact: true }).click();
  await expect(page).toHaveURL(/\/uploads\/upl_\w+\/preview$/);
  await expect(says(page)).toContainText(/will be|No row/, { timeout: 60_000 });
}

const says = (page: Page): Locator => page.getByRole('region', { name: 'What the import will do' }).getByRole('status');
const columnOf = (page: Page, file: string): Locator => page.getByRole('region', { name: 'Columns of the file' }).getByRole('listitem').filter({ has: page.getByText(file, { exact: true }) });
const values = (page: Page, column: string): Locator => page.getByRole('region', { name: 'First rows' }).locator(`td[data-column="${column}"]`);

async function choose(page: Page, within: Locator, name: string | RegExp, option: string | RegExp): Promise<void> {
  await within.getByRole('button', { name }).click();
  await page.getByRole('listbox').getByRole('option', { name: option }).click();
  // Who uses the keys goes on from there.
  await expect(within.getByRole('button', { name }).first()).toBeFocused();
}

async function imported(page: Page, dataset: string, rows: number): Promise<void> {
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/datasets/${dataset}`), { timeout: 60_000 });
  await expect(page.getByTestId('total')).toHaveText(`${rows} rows`);
}

const total = async (page: Page, dataset: string): Promise<number> => ((await (await page.request.get(`/api/v1/datasets/${dataset}/rows?limit=1`)).json()) as { total: number }).total;

test.beforeEach(({ page }) => signIn(page));

test('a messy file is looked at, put right and imported as one version', async ({ page }) => {
  const errors = consoleErrors(page);
  const dataset = await orders(page);
  await previewed(page, csv('Bestellungen.csv', MESSY));
  await expect(says(page)).toHaveText('3 rows will be added.');
  const reading = page.getByRole('region', { name: 'How the file is read' });
  await expect(reading.getByRole('button', { name: /Encoding/ })).toContainText('windows-1252');
  await expect(reading.getByRole('button', { name: /Between two cells/ })).toContainText('Semicolon');
  await expect(columnOf(page, 'Article')).toContainText('looks alike');
  await expect(columnOf(page, 'Größe')).toContainText('new column');
  await expect(values(page, 'Größe').first()).toHaveText('groß');
  expect(await total(page, dataset)).toBe(2);
  await expectNoViolations(page, 'preview');

  // A value that is no number is set aside once the column is one.
  await choose(page, page.getByRole('region', { name: 'First rows' }), /Type of Nr/, /^whole number/);
  await expect(says(page)).toHaveText('2 rows will be added, 1 set aside.', { timeout: 60_000 });
  await expect(page.getByRole('region', { name: /^Set aside/ })).toContainText('offen');
  // A column that goes elsewhere.
  await choose(page, columnOf(page, 'Datum'), /Datum goes to/, /^ordered/);
  await expect(values(page, 'ordered').first()).toHaveText('2024-02-01', { timeout: 60_000 });
  await expect(columnOf(page, 'Datum')).toContainText('chosen');
  await expect(says(page)).toHaveText('2 rows will be added, 1 set aside.');
  await expect(page.getByRole('region', { name: 'First rows' }).getByRole('columnheader', { name: /^Datum/ })).toHaveCount(0);

  await imported(page, dataset, 4);
  await expect(page.locator('[data-testid="upload-card"]').first().getByTestId('receipt')).toHaveText('3 rows read = 2 inserted + 1 quarantined');
  expect([await cellAt(page, 3, 'article'), await cellAt(page, 3, 'ordered'), await cellAt(page, 4, 'Größe'), await cellAt(page, 4, 'Nr')]).toEqual(['A3', '2024-02-01', 'klein', '18']);
  await page.getByRole('tab', { name: 'History' }).click();
  await expect(page.getByRole('link', { name: 'View v1' })).toBeVisible();
  await expect(page.getByText('Bestellungen.csv').first()).toBeVisible();
  expect(errors).toEqual([]);
});

test('of a workbook another sheet is chosen, with a type and a place for its columns', async ({ page }) => {
  const dataset = await orders(page);
  const book = workbook([
    { name: 'Notes', rows: [['remark'], ['see the other sheet']] },
    { name: 'Orders', rows: [['article', 'cost', 'code'], ['A6', 8.5, '0815'], ['A7', 9.25, '0816']] },
  ]);
  await previewed(page, { name: 'orders.xlsx', mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', buffer: book });
  await expect(says(page)).toHaveText('1 row will be added.');
  await choose(page, page.getByRole('region', { name: 'How the file is read' }), /Sheet/, 'Orders');
  await expect(says(page)).toHaveText('2 rows will be added.', { timeout: 60_000 });
  await choose(page, columnOf(page, 'cost'), /cost goes to/, /^price/);
  await expect(values(page, 'price').first()).toHaveText('8.5', { timeout: 60_000 });
  await choose(page, page.getByRole('region', { name: 'First rows' }), /Type of code/, /^JSON/);
  await expect(columnOf(page, 'cost')).toContainText('chosen');
  await expect(says(page)).toHaveText('2 rows will be set aside.', { timeout: 60_000 });
  await choose(page, page.getByRole('region', { name: 'First rows' }), /Type of code/, /^text/);
  await expect(says(page)).toHaveText('2 rows will be added.', { timeout: 60_000 });
  await imported(page, dataset, 4);
  expect([await cellAt(page, 3, 'price'), await cellAt(page, 4, 'code')]).toEqual(['8.5', '0816']);
});

test('an update shows each row before and after, and a reload loses nothing of it', async ({ page }) => {
  const dataset = await orders(page);
  await previewed(page, csv('prices.csv', 'article,price\nA2,3.90\nA8,1.10\n'));
  const button = page.getByRole('button', { name: 'Import', exact: true });
  await expect(button).toBeEnabled();
  await page.getByRole('radio', { name: 'Update and add' }).click();
  // Without a key nothing can be told of it, and nothing else than what is chosen is imported.
  await expect(button).toBeDisabled();
  await expect(says(page)).toHaveText('What the import will do depends on the key.');
  const article = page.getByRole('listbox', { name: 'Key columns' }).getByRole('option', { name: 'article' });
  await article.click();
  await expect(says(page)).toHaveText('1 row will be added, 1 changed.', { timeout: 60_000 });
  await article.click();
  await expect(button).toBeDisabled();
  await article.click();
  await expect(button).toBeEnabled();
  await expect(says(page)).toHaveText('1 row will be added, 1 changed.');
  await choose(page, columnOf(page, 'price'), /Null in price/, 'NA');
  await expect(says(page)).toHaveText('1 row will be added, 1 changed.', { timeout: 60_000 });
  const changes = page.getByRole('region', { name: 'Rows that change' });
  await expect(changes.getByRole('button', { name: 'price: 3.20 became 3.90' })).toBeVisible();

  await page.reload();
  await expect(says(page)).toHaveText('1 row will be added, 1 changed.', { timeout: 60_000 });
  await expect(page.getByRole('radio', { name: 'Update and add' })).toBeChecked();
  await expect(columnOf(page, 'price').getByRole('button', { name: /Null in price/ })).toContainText('NA');
  await expect(changes.getByRole('button', { name: 'price: 3.20 became 3.90' })).toBeVisible();
  await imported(page, dataset, 3);
  expect(await cellAt(page, 2, 'price')).toBe('3.90');
});

test('what cannot be imported as it is says so where it is mended', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await orders(page);
  await previewed(page, csv('more.csv', 'article,price,note\nA8,1.10,x\n'));
  const add = page.getByRole('checkbox', { name: /are added to it$/ });
  await add.click({ force: true });
  await expect(says(page)).toHaveText('The file cannot be imported like this.', { timeout: 60_000 });
  await expect(page.getByRole('region', { name: 'Columns of the file' }).getByRole('alert')).toContainText('note');
  await expect(page.getByRole('button', { name: 'Import', exact: true })).toBeDisabled();
  await expectNoViolations(page, 'preview with a problem');
  await choose(page, columnOf(page, 'note'), /note goes to/, 'Leave out');
  await expect(says(page)).toHaveText('1 row will be added.', { timeout: 60_000 });
  await expect(columnOf(page, 'note')).toContainText('chosen');
  // The file's columns alone: what was said of the dataset's is taken back.
  await page.getByRole('radio', { name: 'Replace' }).click();
  await expect(says(page)).toHaveText('1 row will be added, 2 replaced.', { timeout: 60_000 });
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(page.getByRole('list', { name: 'First values of note' })).toHaveText('x');
  await expectNoViolations(page, 'preview on a phone');
});

test('a preview that is dropped leaves nothing in the dataset, and waits in the list until then', async ({ page }) => {
  const dataset = await orders(page);
  await previewed(page, csv('dropped.csv', 'article,price\nA9,1.00\n'));
  const preview = page.url();
  await page.goto('/uploads');
  await page.getByRole('row').filter({ hasText: 'dropped.csv' }).first().getByRole('link', { name: 'Waiting for you' }).click();
  await expect(page).toHaveURL(preview);
  await expect(says(page)).toHaveText('1 row will be added.');
  await page.getByRole('button', { name: 'Cancel import' }).click();
  await expect(page.getByRole('heading', { name: 'Cancelled' })).toBeVisible();
  expect(await total(page, dataset)).toBe(2);
  await page.goto(`/datasets/${dataset}`);
  await expect(page.getByTestId('total')).toHaveText('2 rows');
});

test('whether a file is previewed is remembered', async ({ page }) => {
  await orders(page);
  const preview = page.getByRole('dialog').getByRole('checkbox', { name: 'Preview before import' });
  let dialog = await chooseFile(page, csv('a.csv', ORDERS), 'Upload rows');
  await expect(preview).toBeChecked();
  await preview.click({ force: true });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.reload();
  dialog = await chooseFile(page, csv('a.csv', ORDERS), 'Upload rows');
  await expect(preview).not.toBeChecked();
  await dialog.getByRole('radio', { name: 'New dataset' }).click();
  await expect(preview).not.toBeChecked();
});

test('what somebody else changes meanwhile is shown before it is imported', async ({ page, context }) => {
  const dataset = await orders(page);
  await previewed(page, csv('both.csv', 'article,price\nA9,1.00\n'));
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(says(other)).toHaveText('1 row will be added.');
  // This window learns nothing of it until it has asked to import; its own look at the upload must not come first.
  let asked = false;
  page.on('request', (request) => {
    asked ||= request.url().endsWith('/confirm');
  });
  await page.route(/\/api\/v1\/uploads\/upl_\w+$/, (route) => (route.request().method() === 'GET' && !asked ? route.abort() : route.continue()));
  await choose(other, columnOf(other, 'price'), /price goes to/, 'Leave out');
  await expect(columnOf(other, 'price')).toContainText('chosen');
  await expect(says(other)).toHaveText('1 row will be added.', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'changed elsewhere' })).toBeVisible();
  await expect(columnOf(page, 'price')).toContainText('chosen');
  expect(await total(page, dataset)).toBe(2);
});
