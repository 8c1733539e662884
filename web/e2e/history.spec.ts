import { expect, type Locator, type Page, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { cellAt, commit, consoleErrors, csv, datasetId, news, published, signIn, unique, uploadNew } from './steps';

/** A dataset of three people, opened at its grid. */
async function people(page: Page, name: string): Promise<string> {
  const card = await uploadNew(page, csv('people.csv', 'name,city,age\nAda,London,36\nBen,Paris,41\nLin,,29\n'), name);
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByTestId('total')).toHaveText('3 rows');
  return datasetId(page);
}

/** Ada moves and grows older, Ben goes, Zoe comes. */
async function change(page: Page, id: string): Promise<void> {
  await commit(page, id, 1, 'Corrections from the office', [
    { op: 'update', row_id: '1', cells: { col_2: 'Cambridge', col_3: '37' } },
    { op: 'delete', row_id: '2' },
    { op: 'insert', cells: { col_1: 'Zoe', col_2: null, col_3: '52' } },
  ]);
}

const version = (page: Page, n: number): Locator => page.getByRole('list', { name: 'Versions' }).locator(`[data-version="${n}"]`);

test('a change is seen in History, viewed as it was, compared cell by cell, restored and undone', async ({ page }) => {
  await signIn(page);
  const errors = consoleErrors(page);
  const id = await people(page, unique('history'));
  await change(page, id);
  await page.reload();
  await page.getByRole('tab', { name: 'History' }).click();

  await expect(version(page, 2)).toContainText('Corrections from the office');
  await expect(version(page, 2)).toContainText('edit session');
  await expect(version(page, 2).getByTestId('counts')).toHaveText('+ 1 inserted± 1 updated− 1 deleted');
  await expect(version(page, 1).getByTestId('counts')).toHaveText('+ 3 inserted± 0 updated− 0 deleted');

  await page.getByRole('link', { name: 'View v1' }).click();
  await expect(page.getByText(/^Viewing v1 as of .* · read only$/)).toBeVisible();
  expect(await cellAt(page, 1, 'city')).toBe('London');
  expect(await cellAt(page, 2, 'name')).toBe('Ben');

  await page.getByRole('link', { name: 'Back to head' }).click();
  await expect(page.getByText(/^Viewing v1/)).toHaveCount(0);
  await expect.poll(() => cellAt(page, 1, 'city')).toBe('Cambridge');
  await page.goBack();
  await page.getByRole('link', { name: 'Compare with head' }).click();
  await expect(page).toHaveURL(/from=1&to=2/);
  const counts = page.getByRole('status', { name: 'Rows that differ' });
  await expect(counts).toHaveText('+ 1 added− 1 removed± 1 changed');
  const row = (n: number): Locator => page.locator(`[data-row="${n}"]`);
  await expect(row(1)).toHaveClass('changed');
  await expect(row(1).locator('[data-column="city"] del')).toHaveText('London');
  await expect(row(1).locator('[data-column="city"] ins')).toHaveText('Cambridge');
  await expect(row(1).getByRole('button', { name: 'age: 36 became 37' })).toBeVisible();
  await expect(row(1).locator('[data-column="name"]')).toHaveClass(/same/);
  await expect(row(2).locator('.sign')).toHaveText(/−/);
  await expect(row(2).locator('[data-column="name"]')).toHaveText('Ben');
  await expect(row(2).locator('[data-column="name"]')).toHaveCSS('text-decoration-line', 'line-through');
  await expect(row(4).locator('.sign')).toHaveText(/\+/);
  await expect(row(4).locator('[data-column="name"]')).toHaveText('Zoe');
  const colour = (n: number): Promise<string> => row(n).locator('.sign').evaluate((cell) => getComputedStyle(cell).backgroundColor);
  expect(new Set([await colour(1), await colour(2), await colour(4)]).size).toBe(3);
  await page.getByRole('button', { name: 'Swap the versions' }).click();
  await expect(page).toHaveURL(/from=2&to=1/);
  await expect(row(1).locator('[data-column="city"] ins')).toHaveText('London');
  await page.getByRole('link', { name: 'History', exact: true }).click();

  await page.getByRole('button', { name: 'Restore v1' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Restore v1?' });
  await expect(dialog).toContainText('3 rows change: 1 gets its old values, 1 comes back, 1 goes.');
  await dialog.getByRole('button', { name: 'Restore v1' }).click();
  await expect(news(page)).toContainText('is restored as v3');
  await expect(version(page, 3)).toContainText('head');
  await expect(version(page, 3).getByTestId('counts')).toHaveText('+ 1 inserted± 1 updated− 1 deleted');
  await page.getByRole('tab', { name: 'Grid' }).click();
  expect(await cellAt(page, 1, 'city')).toBe('London');

  await news(page).getByRole('button', { name: 'Undo' }).click();
  await expect(news(page)).toContainText('Undone: v4');
  await expect.poll(() => cellAt(page, 1, 'city')).toBe('Cambridge');

  // Any two: v1 and v3 hold the same rows.
  await page.getByRole('tab', { name: 'History' }).click();
  await version(page, 1).getByText('v1', { exact: true }).click();
  await version(page, 3).getByText('v3', { exact: true }).click();
  await page.getByRole('link', { name: 'Compare v1 with v3' }).click();
  await expect(page.getByRole('heading', { name: 'No difference' })).toBeVisible();
  expect(errors).toEqual([]);
});

test('an undo never takes what somebody else did in between', async ({ page }) => {
  await signIn(page);
  const id = await people(page, unique('raced'));
  await change(page, id);
  await page.goto(`/datasets/${id}?version=1`);
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Restore v1' }).click();
  await expect(news(page)).toContainText('is restored as v3');
  await expect(page.getByText(/^Viewing v1/)).toHaveCount(0);
  await commit(page, id, 3, 'In between', [{ op: 'update', row_id: '3', cells: { col_2: 'Rome' } }]);
  await news(page).getByRole('button', { name: 'Undo' }).click();
  await expect(news(page)).toContainText('is at v4 by now, so nothing was undone');
});

test('a dataset is shared, read by the other, and gone for them at once when the role is revoked', async ({ page, browser }) => {
  await signIn(page);
  const name = unique('shared');
  const other = await browser.newContext();
  const ben = await other.newPage();
  await signIn(ben, '/', 'ben@example.com');
  const id = await people(page, name);
  await ben.goto(`/datasets/${id}`);
  await expect(ben.getByRole('heading', { name: 'Not found' })).toBeVisible();

  await page.getByRole('button', { name: /^Share/ }).click();
  const dialog = page.getByRole('dialog', { name: `Share ${name}` });
  await dialog.getByRole('searchbox', { name: 'Search people' }).fill('ben@');
  await dialog.getByRole('option', { name: /ben@example\.com/ }).click();
  await dialog.getByRole('button', { name: 'Share', exact: true }).click();
  const grant = dialog.getByRole('list', { name: 'Who has it' }).locator('[data-user="ben@example.com"]');
  await expect(grant).toContainText('viewer');

  await ben.reload();
  await expect(ben.getByTestId('total')).toHaveText('3 rows');
  await expect(ben.getByRole('button', { name: 'Upload rows' })).toHaveCount(0);
  await ben.getByRole('tab', { name: 'Settings' }).click();
  await expect(ben.getByText('Only an owner may rename it.')).toBeVisible();
  await ben.getByRole('button', { name: /^People/ }).click();
  await expect(ben.getByRole('dialog')).toContainText('Only an owner may change who has it.');
  await ben.getByRole('button', { name: 'Done' }).click();
  const refused = await ben.request.post(`/api/v1/datasets/${id}/commits`, {
    headers: { origin: new URL(ben.url()).origin },
    data: { base_version: 1, message: '', changes: [{ op: 'delete', row_id: '1' }] },
  });
  expect(refused.status()).toBe(403);

  await grant.getByRole('button', { name: /^viewer.*Role of/ }).click();
  await page.getByRole('option', { name: /^editor/ }).click();
  await expect(dialog.getByText(/ is editor now/)).toBeVisible();
  await ben.reload();
  await expect(ben.getByRole('button', { name: 'Upload rows' })).toBeVisible();

  await grant.getByRole('button', { name: /^Revoke/ }).click();
  await expect(grant.getByRole('alert')).toContainText('loses access at once');
  await grant.getByRole('button', { name: 'Revoke', exact: true }).click();
  await expect(dialog.getByText(/has no access any more/)).toBeVisible();
  // Whatever Ben's page asks for next tells it; where it was still asking, it knows before the click.
  const gone = expect(ben.getByRole('heading', { name: 'Not found' })).toBeVisible();
  await Promise.race([ben.getByRole('tab', { name: 'History' }).click(), gone]);
  await gone;
  await expect(ben.getByRole('heading', { level: 1, name })).toHaveCount(0);
  await other.close();
});

test('an empty dataset is made with its columns, renamed, and deleted by its name', async ({ page }) => {
  await signIn(page);
  const name = unique('empty');
  await page.goto('/');
  await page.getByRole('button', { name: 'New dataset' }).click();
  const dialog = page.getByRole('dialog', { name: 'New dataset' });
  await dialog.getByLabel('Name of the dataset').fill(name);
  await dialog.getByLabel('Name of column 1').fill('amount');
  await dialog.getByRole('button', { name: /Type of amount/ }).click();
  await page.getByRole('option', { name: /^decimal number/ }).click();
  await dialog.getByRole('button', { name: 'Add column' }).click();
  await dialog.getByLabel('Name of column 2').fill('amount');
  await dialog.getByRole('button', { name: 'Create dataset' }).click();
  await expect(dialog).toContainText('A column above has this name.');
  await dialog.getByLabel('Name of column 2').fill('payee');
  await dialog.getByRole('button', { name: 'Move payee up' }).click();
  await dialog.getByRole('button', { name: 'Create dataset' }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await expect(page).toHaveURL(/\/datasets\/dst_/);

  await page.getByRole('tab', { name: 'Settings' }).click();
  const columns = page.getByRole('region', { name: 'Columns' });
  await expect(columns.getByRole('row').nth(1)).toContainText(/payee.*text/);
  await expect(columns.getByRole('row').nth(2)).toContainText(/amount.*decimal number/);
  const renamed = `${name} renamed`;
  await page.getByLabel('Name of the dataset').fill(renamed);
  await page.getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByRole('heading', { level: 1, name: renamed })).toBeVisible();

  await page.getByRole('button', { name: 'Delete dataset' }).click();
  const asks = page.getByRole('alertdialog', { name: `Delete ${renamed}?` });
  await expect(asks).toContainText('Deletes 0 rows and all 1 version');
  const confirm = asks.getByRole('button', { name: 'Delete 0 rows' });
  await asks.getByRole('textbox').fill(name);
  await expect(confirm).toBeDisabled();
  await asks.getByRole('textbox').fill(renamed);
  await confirm.click();
  await expect(page.getByRole('heading', { name: 'Datasets' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('link', { name: renamed })).toHaveCount(0);
});

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing in History, comparison, sharing and settings, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    await signIn(page);
    const name = unique(`axe ${theme}`);
    const id = await people(page, name);
    await change(page, id);
    await page.goto(`/datasets/${id}?tab=history`);
    await version(page, 1).getByText('v1', { exact: true }).click();
    await version(page, 2).getByText('v2', { exact: true }).click();
    await expectNoViolations(page, 'history');
    await page.getByRole('button', { name: 'Restore v1' }).click();
    await expect(page.getByRole('alertdialog')).toContainText('3 rows change');
    await expectNoViolations(page, 'restore');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Restore v1' }).click();
    await expect(news(page)).toContainText('is restored');
    await expectNoViolations(page, 'news');
    await page.goto(`/datasets/${id}?tab=history&from=1&to=2`);
    await expect(page.locator('[data-row="4"]')).toBeVisible();
    await expectNoViolations(page, 'comparison');
    await page.getByRole('button', { name: /^city/ }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectNoViolations(page, 'both values');
    await page.goto(`/datasets/${id}?version=1`);
    await expect(page.getByText(/^Viewing v1 as of/)).toBeVisible();
    await expectNoViolations(page, 'band');
    await page.getByRole('button', { name: /^Share/ }).click();
    await expect(page.getByRole('list', { name: 'Who has it' })).toBeVisible();
    await expectNoViolations(page, 'sharing');
    await page.goto(`/datasets/${id}?tab=settings`);
    await expectNoViolations(page, 'settings');
    await page.getByRole('button', { name: 'Delete dataset' }).click();
    await expectNoViolations(page, 'delete');
    await page.goto('/');
    await page.getByRole('button', { name: 'New dataset' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Create dataset' }).click();
    await expectNoViolations(page, 'new dataset');
  });
}
