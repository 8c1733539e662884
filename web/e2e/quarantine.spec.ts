import { expect, type Locator, type Page, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { cellAt, chooseFile, csv, datasetId, news, published, sendUnseen, signIn, unique, uploadNew } from './steps';

/** A typed dataset of three rows, and a messy file appended to it. */
async function messy(page: Page): Promise<string> {
  const name = unique('planes');
  const card = await uploadNew(page, csv('planes.csv', 'tail,seats,built\nN101,55,2001-02-03\nN102,140,1999-12-01\nN103,200,2010-07-15\n'), name);
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('grid')).toBeVisible();
  const dataset = datasetId(page);
  const dialog = await chooseFile(page, csv('messy.csv', 'tail,seats,built\nN104,fifty,2011-01-01\nN105,180,sometime\n"N106, old",99,2000-01-01\nN1\0 07,1,2012-01-01\nN108,few,2013-03-03\n'), 'Upload rows');
  await sendUnseen(dialog);
  await expect(page.locator('[data-testid="upload-card"]').first()).toHaveAttribute('data-stage', 'published', { timeout: 60_000 });
  await page.goto(`/datasets/${dataset}?tab=quarantine`);
  await expect(page.getByRole('tab', { name: /Quarantine 4/ })).toBeVisible();
  return dataset;
}

const record = (page: Page, n: number): Locator => page.getByRole('row').filter({ has: page.getByRole('checkbox', { name: `Record ${n} of messy.csv` }) });

test.beforeEach(({ page }) => signIn(page));

test('messy rows are mended in the table, resubmitted as one version, and the count falls', async ({ page }) => {
  const dataset = await messy(page);
  // The cell at fault is where a click begins.
  const seats = record(page, 2).getByRole('gridcell', { name: /^fifty/ });
  await expect(seats).toHaveAttribute('aria-invalid', 'true');
  await seats.click();
  await page.keyboard.type('50');
  await page.keyboard.press('Enter');
  await record(page, 3).getByRole('gridcell', { name: /^sometime/ }).click();
  await page.keyboard.type('soon');
  await page.keyboard.press('Enter');
  // Mended ones are chosen; one of the two still does not fit.
  await page.getByRole('button', { name: 'Resubmit 2' }).click();
  await expect(page.getByRole('alert')).toContainText('One cell cannot be taken');
  await expect(record(page, 3).getByRole('gridcell', { name: /^soon/ })).toHaveAttribute('aria-invalid', 'true');
  await record(page, 3).getByRole('gridcell', { name: /^soon/ }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('2011-11-11');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Resubmit 2' }).click();
  await expect(news(page)).toContainText('2 rows from quarantine are in v3');
  await expect(page.getByRole('tab', { name: /Quarantine 2/ })).toBeVisible();

  await page.getByRole('tab', { name: 'Grid' }).click();
  await expect(page.getByLabel('Totals')).toContainText('6 rows');
  expect([await cellAt(page, 5, 'seats'), await cellAt(page, 6, 'built')]).toEqual(['50', '2011-11-11']);
  await page.goto(`/datasets/${dataset}?tab=history`);
  await expect(page.getByText('2 rows from quarantine')).toBeVisible();
});

test('a record is written anew as text', async ({ page }) => {
  await messy(page);
  await record(page, 5).getByRole('gridcell', { name: /NUL character/ }).click();
  const dialog = page.getByRole('dialog', { name: 'Record 5 of messy.csv' });
  await dialog.getByRole('button', { name: 'Resubmit' }).click();
  await expect(dialog.getByRole('alert')).toContainText('One cell cannot be taken');
  await expect(dialog.getByText('bytes that are not text')).toBeVisible();
  await dialog.getByRole('radio', { name: 'Text' }).click();
  await expect(dialog.getByLabel('As it stands in the file')).toHaveValue('N1\\x00 07,1,2012-01-01');
  await dialog.getByLabel('As it stands in the file').fill('"N107, new",1,2012-01-01');
  await dialog.getByRole('button', { name: 'Resubmit' }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole('tab', { name: 'Grid' }).click();
  expect(await cellAt(page, 5, 'tail')).toBe('N107, new');
});

test('records are filtered, discarded, brought back, and downloaded', async ({ page }) => {
  await messy(page);
  await page.getByRole('button', { name: /Reason/ }).click();
  await page.getByRole('option', { name: /Does not fit its column/ }).click();
  await expect(page.getByRole('status').filter({ hasText: '3 records' })).toBeVisible();
  await expect(page).toHaveURL(/reason=type_mismatch/);
  await page.getByRole('checkbox', { name: 'All that are shown' }).click({ force: true });
  await page.getByRole('button', { name: 'Discard 3' }).click();
  await expect(page.getByRole('tab', { name: /Quarantine 1/ })).toBeVisible();
  await news(page).getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('tab', { name: /Quarantine 4/ })).toBeVisible();
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download' }).click();
  const file = await (await download).createReadStream();
  const text = (await file.toArray()).join('');
  expect(text.trim().split('\r\n')).toHaveLength(4);
  expect(text).toContain('"N105,180,sometime"');
  await page.getByRole('radio', { name: 'Discarded' }).click();
  await expect(page.getByRole('heading', { name: 'Nothing discarded' })).toBeVisible();
});

test('the records are mended by keys alone', async ({ page }) => {
  await messy(page);
  await page.locator('[data-at="0:3"]').focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.type('50');
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-at="1:4"]')).toBeFocused();
  await page.keyboard.press('Space');
  await expect(page.getByRole('button', { name: 'Resubmit 2' })).toBeVisible();
  await page.keyboard.press('Home');
  await page.keyboard.press('Space');
  await expect(page.getByRole('button', { name: 'Resubmit 1' })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog', { name: 'Record 3 of messy.csv' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('a rule of a column keeps a row out of the table, and the page says which', async ({ page }) => {
  const card = await uploadNew(page, csv('planes.csv', 'tail,seats\nN101,55\nN102,140\n'), unique('ruled'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('grid')).toBeVisible();
  const dataset = datasetId(page);
  await page.goto(`/datasets/${dataset}?tab=settings`);
  await page.getByRole('button', { name: 'Rules of seats' }).click();
  const dialog = page.getByRole('dialog', { name: 'Rules of seats' });
  await dialog.getByText('Required').click();
  await dialog.getByLabel('Greatest value').fill('many');
  await expectNoViolations(page, 'rules');
  await dialog.getByRole('button', { name: 'Save rules' }).click();
  await expect(dialog.getByRole('alert')).toContainText('`many` is not a whole number');
  await dialog.getByLabel('Greatest value').fill('500');
  await dialog.getByRole('button', { name: 'Save rules' }).click();
  await expect(page.getByRole('cell', { name: 'required · 500 or less' })).toBeVisible();
  await page.getByRole('button', { name: 'Rules of tail' }).click();
  const tails = page.getByRole('dialog', { name: 'Rules of tail' });
  await tails.getByText('Unique').click();
  await tails.getByRole('button', { name: 'Save rules' }).click();
  await expect(page.getByRole('cell', { name: 'unique' })).toBeVisible();

  const upload = await chooseFile(page, csv('more.csv', 'tail,seats\nN103,900\nN104,70\nN101,60\n'), 'Upload rows');
  await sendUnseen(upload);
  await expect(page.locator('[data-testid="upload-card"]').first()).toHaveAttribute('data-stage', 'published', { timeout: 60_000 });
  await page.goto(`/datasets/${dataset}?tab=quarantine`);
  const seats = page.getByRole('gridcell', { name: /^900/ });
  await expect(page.getByRole('gridcell', { name: /^Out of range/ })).toBeVisible();
  await seats.click();
  await page.keyboard.type('90');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('gridcell', { name: /^In another row already/ })).toBeVisible();
  await page.getByRole('gridcell', { name: /^N101/ }).click();
  await page.keyboard.type('N102');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Resubmit 2' }).click();
  await expect(page.getByRole('alert')).toContainText('One cell cannot be taken as it is.');
  await expect(page.getByRole('gridcell', { name: /^N102/ })).toHaveAttribute('title', /`N102` is in another row already/);
  await page.getByRole('gridcell', { name: /^N102/ }).click();
  await page.keyboard.type('N105');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Resubmit 2' }).click();
  await expect(page.getByRole('tab', { name: /Quarantine 0/ })).toBeVisible();
});

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing in the quarantine, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    await messy(page);
    await expectNoViolations(page, 'records');
    await page.locator('[data-at="0:4"]').click();
    await page.keyboard.type('fif');
    await expectNoViolations(page, 'editor');
    await page.keyboard.press('Enter');
    await page.locator('[data-at="0:1"]').click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectNoViolations(page, 'record');
    await page.getByRole('button', { name: 'Close' }).click();
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(page.getByRole('list', { name: 'Records in quarantine' })).toBeVisible();
    await expectNoViolations(page, 'phone');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    // The last one, which lies lowest: the uploads on their way must not cover it.
    await expect(page.getByRole('button', { name: 'Unfold uploads' })).toBeVisible();
    await page.getByRole('button', { name: 'Open Record 6 of messy.csv' }).click();
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectNoViolations(page, 'phone record');
  });
}
