import { expect, type Locator, type Page, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { type Change, commit, consoleErrors, csv, datasetId, published, signIn, unique, uploadNew } from './steps';

const rows = [
  ['2013-01-05', 'UA', 1000],
  ['2013-01-20', 'AA', 500],
  ['2013-03-02', 'UA', 700],
  ['2013-03-09', 'DL', 300],
];
const file = `date,carrier,distance\n${rows.map((row) => row.join(',')).join('\n')}\n`;

async function dashboard(page: Page, name: string): Promise<string> {
  const card = await uploadNew(page, csv('flights.csv', file), unique(name));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await page.getByRole('tab', { name: 'Dashboard' }).click();
  await expect(page).toHaveURL(/tab=dashboard/);
  await expect(page.getByRole('heading', { name: 'No widgets yet' })).toBeVisible();
  return datasetId(page);
}

const widget = (page: Page, title: string): Locator => page.getByRole('listitem', { name: title, exact: true });

async function choose(page: Page, dialog: Locator, label: string, option: string): Promise<void> {
  await dialog.getByRole('button', { name: new RegExp(`${label}$`) }).click();
  await page.getByRole('option', { name: option }).first().click();
}

const flight: Change = { op: 'insert', cells: { col_1: '2013-04-01', col_2: 'AA', col_3: '250' } };

test.beforeEach(({ page }) => signIn(page));

test('a number follows a commit by itself, with its change against the version before', async ({ page }) => {
  const errors = consoleErrors(page);
  const id = await dashboard(page, 'number');
  await page.getByRole('button', { name: 'Add a widget' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a widget' });
  await dialog.getByRole('radio', { name: 'Number' }).click();
  await choose(page, dialog, 'Measure', 'Sum');
  await expect(dialog.getByLabel('Title')).toHaveValue('Sum of distance');
  await expect(dialog.getByTestId('number')).toHaveText('2,500');
  await dialog.getByRole('button', { name: 'Add widget' }).click();
  await expect(dialog).toBeHidden();

  const card = widget(page, 'Sum of distance');
  await expect(card.getByTestId('number')).toHaveText('2,500');
  await expect(card).toContainText('v1 ·');
  await commit(page, id, 1, 'One flight more', [flight]);
  await expect(card.getByTestId('number')).toHaveText('2,750');
  await expect(card).toContainText('+250 (+10%)');
  await expect(card).toContainText('v2 ·');
  await expect(page.getByRole('link', { name: /^v2/ })).toBeVisible();

  // The old version is computed as it was, and cannot be changed.
  await page.goto(`/datasets/${id}?tab=dashboard&version=1`);
  await expect(card.getByTestId('number')).toHaveText('2,500');
  await expect(card).toContainText('v1 as of');
  await expect(page.getByRole('button', { name: 'Add a widget' })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('bars are made, read by keys and as a table, edited, copied, deleted and brought back', async ({ page }) => {
  await dashboard(page, 'bars');
  await page.getByRole('button', { name: 'Count of rows by carrier' }).click();
  const card = widget(page, 'Count of rows by carrier');
  const chart = card.getByRole('application', { name: /^Count of rows by carrier: 3 bars/ });
  await chart.focus();
  await page.keyboard.press('ArrowDown');
  await expect(card.getByRole('status')).toHaveText('UA: rows 2. 1 of 3');
  await page.keyboard.press('End');
  await expect(card.getByRole('status')).toHaveText(/: rows 1\. 3 of 3$/);

  await card.getByRole('button', { name: /^Show as table/ }).click();
  await expect(card.getByRole('table')).toBeVisible();
  await expect(card.getByRole('row', { name: 'UA 2' })).toBeVisible();
  await card.getByRole('button', { name: /^Show as chart/ }).click();

  const act = async (title: string, action: string): Promise<void> => {
    await page.getByRole('button', { name: `Actions of ${title}`, exact: true }).click();
    await page.getByRole('menuitem', { name: action }).click();
  };
  await act('Count of rows by carrier', 'Edit');
  const dialog = page.getByRole('dialog', { name: 'Edit the widget' });
  await choose(page, dialog, 'Measure', 'Sum');
  await choose(page, dialog, 'Group by', 'date');
  await dialog.getByRole('button', { name: 'Add a condition' }).click();
  await choose(page, dialog, 'Column', 'carrier');
  await dialog.getByRole('textbox', { name: 'Value' }).fill('UA');
  await expect(dialog.getByLabel('Title')).toHaveValue('Sum of distance by month of date where carrier is UA');
  // January, an empty February, March.
  await expect(dialog.getByRole('application', { name: /3 points/ })).toBeVisible();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  const title = 'Sum of distance by month of date where carrier is UA';
  const edited = widget(page, title);
  await edited.getByRole('application').focus();
  await page.keyboard.press('Home');
  await expect(edited.getByRole('status')).toHaveText('Jan 2013: sum of distance 1,000. 1 of 3');

  await act(title, 'Duplicate');
  await expect(widget(page, `${title} (copy)`)).toBeVisible();
  await act(`${title} (copy)`, 'Delete');
  await expect(widget(page, `${title} (copy)`)).toHaveCount(0);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(widget(page, `${title} (copy)`)).toBeVisible();
  await page.reload();
  await expect(widget(page, `${title} (copy)`)).toBeVisible();
  await expect(edited).toBeVisible();
});

test('a widget takes the grid’s filter, with its group and what no field can hold', async ({ page }) => {
  const id = await dashboard(page, 'filtered');
  const empty = { column: 'carrier', op: 'eq', value: '' };
  const filter = { and: [{ or: [{ column: 'carrier', op: 'in', value: ['AA', 'DL'] }, empty] }, { column: 'distance', op: 'lt', value: 500 }] };
  await page.goto(`/datasets/${id}?tab=dashboard&filter=${encodeURIComponent(JSON.stringify(filter))}`);
  await page.getByRole('button', { name: 'Add a widget' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('radio', { name: 'Number' }).click();
  await dialog.getByRole('button', { name: 'Take the grid’s filter' }).click();
  await expect(dialog.getByTestId('number')).toHaveText('1');
  await expect(dialog.getByRole('group', { name: 'Group', exact: true })).toContainText('carrier is empty text');
  await dialog.getByRole('button', { name: 'Add widget' }).click();
  await expect(dialog).toBeHidden();

  const card = widget(page, 'Count of rows, filtered');
  await card.getByRole('button', { name: /^Actions of/ }).click();
  await page.getByRole('menuitem', { name: 'Edit' }).click();
  await dialog.getByRole('textbox', { name: 'Value' }).nth(1).fill('600');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(card.getByTestId('number')).toHaveText('2');
  const answer: unknown = await (await page.request.get(`/api/v1/datasets/${id}/widgets`)).json();
  expect(answer).toMatchObject({ widgets: [{ filter: { and: [{ or: [{ column: 'col_2', op: 'in', value: ['AA', 'DL'] }, empty] }, { column: 'col_3', op: 'lt', value: '600' }] } }] });
});

test('a card is moved and resized by the keyboard alone, and stays there', async ({ page }) => {
  await dashboard(page, 'arranged');
  await page.getByRole('button', { name: 'Count of rows', exact: true }).click();
  const card = widget(page, 'Count of rows');
  await expect(card.getByTestId('number')).toHaveText('4');
  const before = await card.boundingBox();
  await page.getByRole('button', { name: 'Actions of Count of rows' }).press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.getByRole('menuitem', { name: 'Move or resize' }).press('Enter');
  await expect(page.getByRole('group', { name: /^Move or resize Count of rows/ })).toBeFocused();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Shift+ArrowRight');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('group', { name: /^Move or resize/ })).toHaveCount(0);
  await page.reload();
  await expect(card).toBeVisible();
  const after = await card.boundingBox();
  expect(after?.x).toBeGreaterThan((before?.x ?? 0) + 40);
  expect(after?.width).toBeGreaterThan((before?.width ?? 0) + 40);
  expect(after?.height).toBeGreaterThan((before?.height ?? 0) + 40);
});

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing on a dashboard, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    const id = await dashboard(page, `axe ${theme}`);
    await expectNoViolations(page, 'empty');
    await page.getByRole('button', { name: 'Count of rows', exact: true }).click();
    await expect(widget(page, 'Count of rows').getByTestId('number')).toHaveText('4');
    for (const kind of ['Bars', 'Line']) {
      await page.getByRole('button', { name: 'Add a widget' }).click();
      const dialog = page.getByRole('dialog', { name: 'Add a widget' });
      await dialog.getByRole('radio', { name: kind }).click();
      await expect(dialog.getByRole('application')).toBeVisible();
      await expectNoViolations(page, `editor, ${kind}`);
      await dialog.getByRole('button', { name: 'Add widget' }).click();
      await expect(dialog).toBeHidden();
    }
    await expect(page.getByRole('application')).toHaveCount(2);
    await expectNoViolations(page, 'widgets');
    await page.getByRole('button', { name: /^Show as table/ }).first().click();
    await expectNoViolations(page, 'table');
    await page.getByRole('button', { name: 'Actions of Count of rows', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Move or resize' }).click();
    await expectNoViolations(page, 'arranging');
    await commit(page, id, 1, 'One flight more', [flight]);
    await page.goto(`/datasets/${id}?tab=dashboard&version=1`);
    await expect(page.getByRole('application')).toHaveCount(2);
    await expectNoViolations(page, 'old version');
  });
}
