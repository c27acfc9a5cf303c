// What undo goes back to: the layout, what each viewport shows and how, and what is drawn.

/** @param {import('./grid.js').Grid} grid @param {import('../measure/own.js').Own} own */
export function stateRead(grid, own) {
  const cells = grid.screens.map(({ viewport }) => {
    const { stack, index, voi, invert, view, presentation } = viewport;
    return { stack, index, voi, invert, view, presentation };
  });
  return { rows: grid.rows, columns: grid.columns, cells, largest: grid.screens.indexOf(grid.largest), list: own.list };
}

/** Where a person has scrolled to is not a thing to undo. */
export function stateSame(one, other) {
  if (['rows', 'columns', 'largest', 'list'].some((part) => one[part] !== other[part])) return false;
  return one.cells.every((cell, at) => alike(cell, other.cells[at]));
}

function alike(cell, other) {
  return ['stack', 'voi', 'invert', 'view', 'presentation'].every((part) => cell[part] === other?.[part]);
}

/** @param {(screen: object, stack: object, index: number) => void} show */
export function stateWrite(grid, own, state, show) {
  if (state.rows !== grid.rows || state.columns !== grid.columns) grid.arrange(state.rows, state.columns);
  state.cells.forEach((cell, at) => {
    const made = grid.screens[at];
    const { viewport } = made;
    if (alike(cell, viewport)) return;
    if (!cell.stack) viewport.empty();
    else if (cell.stack !== viewport.stack) show(made, cell.stack, cell.index);
    if (cell.stack) viewport.setLook(cell);
  });
  grid.maximise(grid.screens[state.largest] ?? null);
  if (own.list !== state.list) own.set(state.list);
}
