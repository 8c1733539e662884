import { expect, type Locator, test } from '@playwright/test';

import { cellAt, csv, goToHeader, published, signIn, unique, uploadNew } from './steps';

const flights = 'carrier,year,delay\nUA,2013,5\nAA,2012,7\nUA,2012,9\nDL,2013,NA\nAA,2013,2\n';

test('rows are sorted by several columns and filtered by conditions and groups, all of it in the address', async ({ page }) => {
  await signIn(page);
  const card = await uploadNew(page, csv('flights.csv', flights), unique('sorted'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.locator('[data-cell="0:0"]')).toHaveText('UA');
  const grid = page.getByRole('grid');
  const column = async (name: string, rows: number): Promise<string[]> => {
    await expect(grid).toHaveAttribute('aria-busy', 'false');
    const cells: string[] = [];
    for (let row = 1; row <= rows; row += 1) cells.push(await cellAt(page, row, name));
    return cells;
  };

  await grid.getByRole('columnheader', { name: /carrier/ }).click();
  await grid.getByRole('columnheader', { name: /year/ }).click({ modifiers: ['Shift'] });
  await goToHeader(page, 1);
  await page.keyboard.press('Shift+Enter');
  await expect(page).toHaveURL(/sort=col_1(%2C|,)-col_2/);
  await expect.poll(() => column('year', 5)).toEqual(['2013', '2012', '2013', '2013', '2012']);
  expect(await column('carrier', 5)).toEqual(['AA', 'AA', 'DL', 'UA', 'UA']);
  await page.getByRole('button', { name: 'Remove the order' }).click();
  await expect(page).not.toHaveURL(/sort=/);

  // carrier is one of UA, DL, and (delay > 4 or delay is null)
  await goToHeader(page, 0);
  await page.keyboard.press('Alt+ArrowDown');
  const builder = page.getByRole('dialog', { name: 'Filter' });
  const choose = async (where: Locator, label: string, option: string, at = 0): Promise<void> => {
    await where.getByRole('button', { name: new RegExp(`${label}$`) }).nth(at).click();
    await page.getByRole('option', { name: new RegExp(`^${option}`) }).click();
  };
  await expect(builder.getByRole('button', { name: /Column$/ })).toContainText('carrier');
  await choose(builder, 'Condition', 'is one of');
  await builder.getByLabel('Value').fill('UA, DL');
  await builder.getByRole('button', { name: 'Add a group' }).click();
  const group = builder.getByRole('group', { name: 'Group' });
  await choose(group, 'Column', 'delay');
  await choose(group, 'Condition', 'is more than');
  await group.getByLabel('Value').fill('5');
  await group.getByRole('button', { name: 'Add a condition' }).click();
  await choose(group, 'Column', 'delay', 1);
  await choose(group, 'Condition', 'is null', 1);
  await builder.getByRole('button', { name: 'Apply' }).click();
  await expect(page.getByLabel('Totals')).toContainText('2 of 5 rows');
  expect(await column('delay', 2)).toEqual(['9', '–']);

  await page.reload();
  await expect(page.getByRole('button', { name: 'Remove the filter (delay > 5 or delay is null)' })).toBeVisible();
  await page.getByRole('button', { name: 'Remove the filter (delay > 5 or delay is null)' }).click();
  await expect(page.getByLabel('Totals')).toContainText('3 of 5 rows');
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(page.getByTestId('total')).toHaveText('5 rows');
  await expect(page).not.toHaveURL(/filter=/);
});
