import { expect, type Locator, type Page, test } from '@playwright/test';

import { another, beginEditing, cellAt, cellOf, consoleErrors, csv, datasetId, published, publishWith, signIn, typeInto, unique, uploadNew } from './steps';

const people = 'id,name,score\n1,Ada,10\n2,Ben,20\n3,Cleo,30\n4,Dan,40\n';

/** A fresh dataset, open in the grid; gives its id. */
async function opened(page: Page, name: string, text = people): Promise<string> {
  const card = await uploadNew(page, csv('people.csv', text), unique(name));
  await published(card);
  await card.getByRole('link', { name: /^Open/ }).click();
  await expect(page.getByRole('grid')).toBeVisible();
  await expect(page.locator('[data-cell="0:0"]')).toHaveText('1');
  const put = page.getByRole('button', { name: 'Put all away' });
  if ((await put.count()) > 0) await put.click();
  return datasetId(page);
}

const count = (page: Page): Locator => page.getByTestId('session-count');

test.beforeEach(async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await signIn(page);
});

test('cells and rows are changed, survive a reload, and become one version that says why', async ({ page }) => {
  const errors = consoleErrors(page);
  const id = await opened(page, 'edited');
  await beginEditing(page);
  await expect(count(page)).toHaveText('No changes yet');
  await typeInto(page, 1, 'score', '11');
  await expect(page.locator('[data-cell="1:2"]')).toBeFocused();
  await typeInto(page, 2, 'name', 'Benjamin');
  await expect(count(page)).toHaveText('2 changes in 2 rows');
  await expect(await cellOf(page, 1, 'score')).toHaveClass(/changed/);

  await page.keyboard.press('Control+z');
  expect(await cellAt(page, 2, 'name')).toBe('Ben');
  await page.keyboard.press('Control+Shift+z');
  expect(await cellAt(page, 2, 'name')).toBe('Benjamin');

  await page.getByRole('button', { name: 'Add row' }).click();
  await typeInto(page, 5, 'id', '5');
  await typeInto(page, 5, 'name', 'Eve');
  await (await cellOf(page, 4, 'name')).click();
  await page.getByRole('button', { name: 'Delete rows' }).click();
  await expect(page.locator('.grid-row.deleted')).toHaveCount(1);
  await expect(count(page)).toHaveText('4 changes in 4 rows');

  await page.reload();
  await expect(count(page)).toHaveText('4 changes in 4 rows');
  expect(await cellAt(page, 1, 'score')).toBe('11');
  expect(await cellAt(page, 5, 'name')).toBe('Eve');
  await expect(page.locator('.grid-row.deleted')).toHaveCount(1);

  // A change can be dropped in the review, and taken back.
  await page.getByRole('button', { name: 'Review' }).click();
  const dialog = page.getByRole('dialog', { name: '4 changes in 4 rows' });
  await dialog.getByRole('button', { name: 'Drop the change of name in Row 2' }).click();
  await expect(page.getByRole('dialog', { name: '3 changes in 3 rows' })).toBeVisible();
  await page.getByRole('button', { name: 'Go on editing' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(count(page)).toHaveText('4 changes in 4 rows');

  await publishWith(page, 'Corrected four rows');
  await expect(page.getByText('Published as v2.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Edit in grid view' })).toBeVisible();
  await expect(page.getByRole('grid')).toHaveAttribute('aria-label', /version 2$/);
  expect(await cellAt(page, 1, 'score')).toBe('11');
  expect(await cellAt(page, 2, 'name')).toBe('Benjamin');
  expect(await cellAt(page, 4, 'name')).toBe('Eve');
  expect(await cellAt(page, 4, 'score')).toBe('–');
  await expect(page.getByTestId('total')).toHaveText('4 rows');

  await page.getByRole('tab', { name: 'History' }).click();
  await expect(page.getByText('Corrected four rows')).toBeVisible();
  await page.goto(`/datasets/${id}?version=1`);
  expect(await cellAt(page, 1, 'score')).toBe('10');
  expect(await cellAt(page, 4, 'name')).toBe('Dan');
  await expect(page.getByRole('button', { name: 'Edit in grid view' })).toHaveCount(0);
  expect(errors).toEqual([]);
});

test('the session is left at once without changes, and discarding can be undone', async ({ page }) => {
  await opened(page, 'left');
  await page.keyboard.press('Control+e');
  await expect(count(page)).toHaveText('No changes yet');
  await page.getByRole('button', { name: 'Exit grid view' }).click();
  await expect(page.getByRole('button', { name: 'Edit in grid view' })).toBeVisible();
  await beginEditing(page);
  await (await cellOf(page, 1, 'name')).click();
  await page.keyboard.type('Zoe');
  // What is being typed is in.
  await page.keyboard.press('Control+e');
  await page.getByRole('dialog', { name: '1 change in 1 row' }).getByRole('button', { name: 'Discard changes' }).click();
  expect(await cellAt(page, 1, 'name')).toBe('Ada');
  await page.getByRole('status').getByRole('button', { name: 'Undo' }).click();
  await expect(count(page)).toHaveText('1 change in 1 row');
  expect(await cellAt(page, 1, 'name')).toBe('Zoe');
});

test('keys change cells as in a spreadsheet: null, fill down, paste, and escape', async ({ page }) => {
  await opened(page, 'keys');
  await beginEditing(page);
  await page.locator('[data-cell="0:1"]').click();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Delete');
  expect([await cellAt(page, 1, 'name'), await cellAt(page, 2, 'name')]).toEqual(['–', '–']);
  // An empty text is not null, and says so while it is typed.
  await page.locator('[data-cell="2:1"]').dblclick();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Backspace');
  await expect(page.getByText(/Becomes/)).toBeVisible();
  await page.keyboard.press('Tab');
  expect(await cellAt(page, 3, 'name')).toBe('');
  await expect(page.locator('[data-cell="2:2"]')).toBeFocused();
  await page.keyboard.type('999');
  await page.keyboard.press('Escape');
  expect(await cellAt(page, 3, 'score')).toBe('30');
  await page.locator('[data-cell="0:2"]').click();
  for (let i = 0; i < 3; i += 1) await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Control+d');
  expect(await cellAt(page, 4, 'score')).toBe('10');
  // Lines below the last row become rows.
  await page.evaluate(() => navigator.clipboard.writeText('Dora\t41\r\n"E ""v"" e"\t51\r\n'));
  await page.locator('[data-cell="3:1"]').click();
  await page.keyboard.press('Control+v');
  await expect(page.locator('.grid-row.new')).toHaveCount(1);
  expect([await cellAt(page, 4, 'name'), await cellAt(page, 5, 'name'), await cellAt(page, 5, 'score')]).toEqual(['Dora', 'E "v" e', '51']);
  await page.keyboard.press('Control+z');
  await expect(page.locator('.grid-row.new')).toHaveCount(0);
  expect(await cellAt(page, 4, 'name')).toBe('Dan');
});

test('where both changed a cell, the person decides with both values in sight', async ({ page, browser }) => {
  const id = await opened(page, 'conflict');
  await beginEditing(page);
  await typeInto(page, 1, 'score', '111');
  await typeInto(page, 2, 'score', '222');
  await typeInto(page, 3, 'name', 'Cleopatra');
  const other = await another(browser, id);
  await beginEditing(other);
  await typeInto(other, 1, 'score', '777');
  await typeInto(other, 2, 'score', '888');
  await publishWith(other, 'First');
  await expect(other.getByText('Published as v2.')).toBeVisible();

  await publishWith(page, 'Second');
  const dialog = page.getByRole('alertdialog');
  await expect(dialog.getByRole('list', { name: 'Conflicts' }).getByRole('listitem')).toHaveCount(2);
  const first = dialog.getByRole('radiogroup', { name: 'Row 1, score' });
  await expect(first).toContainText('10');
  await expect(first).toContainText('777');
  await expect(first).toContainText('111');
  const go = dialog.getByRole('button', { name: 'Publish with these choices' });
  await expect(go).toBeDisabled();
  await first.getByRole('radio', { name: /^Yours/ }).click();
  await dialog.getByRole('radiogroup', { name: 'Row 2, score' }).getByRole('radio', { name: /^Theirs/ }).click();
  await go.click();
  await expect(page.getByText('Published as v3.')).toBeVisible();
  expect([await cellAt(page, 1, 'score'), await cellAt(page, 2, 'score'), await cellAt(page, 3, 'name')]).toEqual(['111', '888', 'Cleopatra']);
  await other.context().close();
});

test('a row that somebody deleted meanwhile comes back as a new one when asked for', async ({ page, browser }) => {
  const id = await opened(page, 'gone');
  await beginEditing(page);
  await typeInto(page, 2, 'score', '222');
  const other = await another(browser, id);
  await beginEditing(other);
  await (await cellOf(other, 2, 'name')).click();
  await other.keyboard.press('Shift+Delete');
  await publishWith(other, 'Without Ben');
  await expect(other.getByText('Published as v2.')).toBeVisible();
  await other.context().close();

  // Seen while editing, without an interruption.
  await page.evaluate(() => window.dispatchEvent(new Event('focus')));
  await expect(page.getByText(/v2 was published by .* while you edit v1/)).toBeVisible({ timeout: 30_000 });
  await publishWith(page, 'With Ben');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Yours for all' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Publish with these choices' }).click();
  await expect(page.getByText('Published as v3.')).toBeVisible();
  expect([await cellAt(page, 4, 'id'), await cellAt(page, 4, 'name'), await cellAt(page, 4, 'score')]).toEqual(['2', 'Ben', '222']);
});

test('a value that does not fit is marked and named, and the rest waits with it', async ({ page }) => {
  await opened(page, 'bad');
  await beginEditing(page);
  await typeInto(page, 1, 'score', 'ten');
  await typeInto(page, 2, 'name', 'Bert');
  await expect(await cellOf(page, 1, 'score')).toHaveAttribute('aria-invalid', 'true');
  await publishWith(page, 'Oops');
  const list = page.getByRole('group', { name: 'Cells that could not be taken' });
  const named = list.getByRole('button', { name: /Row 1, score: `ten` is not a whole number/ });
  await expect(named).toBeVisible();
  await expect(count(page)).toHaveText('2 changes in 2 rows');
  await named.click();
  await expect(page.locator('[data-cell="0:2"]')).toBeFocused();
  await page.keyboard.type('12');
  await page.keyboard.press('Enter');
  await expect(await cellOf(page, 1, 'score')).not.toHaveAttribute('aria-invalid', 'true');
  await publishWith(page, 'Mended');
  await expect(page.getByText('Published as v2.')).toBeVisible();
  expect([await cellAt(page, 1, 'score'), await cellAt(page, 2, 'name')]).toEqual(['12', 'Bert']);
});

test('a lost answer is asked for again under the same key, and nothing is written twice', async ({ page }) => {
  await opened(page, 'lost');
  await beginEditing(page);
  await page.getByRole('button', { name: 'Add row' }).click();
  await typeInto(page, 5, 'name', 'Once');
  const keys: (string | undefined)[] = [];
  await page.route('**/commits', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) {
      await route.continue();
      return;
    }
    // It arrives and is written; only the answer is lost.
    await route.fetch();
    await route.abort('connectionreset');
  });
  await publishWith(page, 'Once only');
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('no answer came');
  await page.reload();
  await expect(page.getByText(/no answer came/)).toBeVisible();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('Published as v2.')).toBeVisible();
  expect(keys[1]).toBe(keys[0]);
  await expect(page.getByTestId('total')).toHaveText('5 rows');
});

test('without the role the changes are kept and can be taken along', async ({ page }) => {
  await opened(page, 'revoked');
  await beginEditing(page);
  await typeInto(page, 1, 'name', 'Mine');
  await page.route('**/commits', (route) =>
    route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Forbidden', status: 403, code: 'forbidden', detail: 'No.' }) }),
  );
  await publishWith(page, 'Mine');
  const alert = page.getByRole('dialog').getByRole('alert');
  await expect(alert).toContainText('kept in this browser');
  await alert.getByRole('button', { name: 'Copy the changes as TSV' }).click();
  await expect(alert.getByText('Copied')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('update\t1\tname\tAda\tMine');
});

test('on a phone a row is changed as a form', async ({ page }) => {
  await opened(page, 'phone');
  await page.setViewportSize({ width: 390, height: 844 });
  await beginEditing(page);
  await page.locator('[data-cell="1:0"]').click();
  const form = page.getByRole('complementary', { name: 'Row 2' });
  await form.getByRole('textbox', { name: 'name' }).fill('Berta');
  await form.getByRole('button', { name: 'Make score null' }).click();
  await form.getByRole('button', { name: 'Close row' }).click();
  await expect(count(page)).toHaveText('2 changes in 1 row');
  await page.getByRole('button', { name: 'Add row' }).click();
  await page.getByRole('complementary', { name: 'New row 1' }).getByRole('textbox', { name: 'name' }).fill('Eve');
  await page.getByRole('button', { name: 'Close row' }).click();
  await publishWith(page, 'From the phone');
  await expect(page.getByText('Published as v2.')).toBeVisible();
  expect([await cellAt(page, 2, 'name'), await cellAt(page, 2, 'score'), await cellAt(page, 5, 'name')]).toEqual(['Berta', '–', 'Eve']);
});
