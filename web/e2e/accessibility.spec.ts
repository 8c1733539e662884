import { expect, test } from '@playwright/test';

import { expectNoViolations } from './axe';
import { csv, published, signIn, unique, uploadNew } from './steps';

for (const theme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any page, ${theme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: theme });
    await page.goto('/sign-in?error=expired');
    await expectNoViolations(page, 'sign-in');
    await signIn(page);
    const card = await uploadNew(page, csv('small.csv', 'id,name\n1,Ada\n2,\n3,Lin\n'), unique(`axe ${theme}`));
    await published(card);
    await expectNoViolations(page, 'datasets and dock');
    await card.getByRole('link', { name: /^Receipt/ }).click();
    await expect(page.getByRole('heading', { name: 'Receipt' })).toBeVisible();
    await expectNoViolations(page, 'receipt');
    await page.getByRole('link', { name: /^Open/ }).first().click();
    await expect(page.getByRole('grid')).toBeVisible();
    await expectNoViolations(page, 'grid');
    await page.locator('[data-cell="0:0"]').focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('dialog')).toBeVisible();
    await expectNoViolations(page, 'cell');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('dialog', { name: 'Filter' }).getByRole('button', { name: 'Add a group' }).click();
    await expectNoViolations(page, 'filter');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Edit in grid view' }).click();
    await page.locator('[data-cell="0:0"]').click();
    await page.keyboard.type('one');
    await expectNoViolations(page, 'cell editor');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Shift+Delete');
    await page.keyboard.press('Control+Enter');
    await expect(page.locator('.grid-row.new')).toHaveCount(1);
    await expectNoViolations(page, 'edit session');
    await page.getByRole('button', { name: 'Review' }).click();
    await expectNoViolations(page, 'review');
    await page.getByRole('button', { name: 'Keep and publish' }).click();
    await expect(page.getByRole('group', { name: 'Cells that could not be taken' })).toBeVisible();
    await expectNoViolations(page, 'bad cells');
    await page.locator('[data-cell="2:-1"]').dblclick();
    await expect(page.getByRole('complementary', { name: /^Row/ })).toBeVisible();
    await expectNoViolations(page, 'row form');
    await page.getByRole('button', { name: 'Close row' }).click();
    await page.getByRole('button', { name: 'Exit grid view' }).click();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await expectNoViolations(page, 'discarded');
    for (const tab of ['History', 'Imports', 'Quarantine', 'Settings']) {
      await page.getByRole('tab', { name: tab }).click();
      await expectNoViolations(page, tab);
    }
    await page.keyboard.press('Control+k');
    await expectNoViolations(page, 'palette');
  });
}

test('the grid is walked by keys alone, and the focus never gets lost', async ({ page }) => {
  await signIn(page);
  const rows = Array.from({ length: 500 }, (_, i) => `${i + 1},name ${i + 1}`).join('\n');
  const card = await uploadNew(page, csv('rows.csv', `id,name\n${rows}\n`), unique('keys'));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await page.locator('[data-cell="0:0"]').focus();
  const focused = (): Promise<string | undefined> => page.evaluate(() => (document.activeElement instanceof HTMLElement ? document.activeElement.dataset.cell : undefined));
  await page.keyboard.press('Control+End');
  await expect.poll(focused).toBe('499:1');
  await page.keyboard.press('Home');
  await expect.poll(focused).toBe('499:0');
  await page.keyboard.press('Control+Home');
  await expect.poll(focused).toBe('0:0');
  await page.keyboard.press('PageDown');
  await expect.poll(focused).toMatch(/^[12]\d:0$/);
  await page.keyboard.press('Control+Home');
  for (let i = 0; i < 4; i += 1) await page.keyboard.press('Shift+ArrowDown');
  await expect(page.getByLabel('Totals')).toContainText('Sum 15');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect.poll(focused).toBe('4:0');
});
