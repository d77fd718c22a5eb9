//! Tables: fitted to the window on a terminal, a line a row elsewhere.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width, presets,
};
use jiff::Timestamp;
use rust_decimal::Decimal;

/// For whom a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// A person at a terminal: long cells are wrapped.
    Terminal,
    /// A pipe or a file: one line a row, whatever its length.
    Plain,
}

/// A column's title, and on which side its cells stand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    title: &'static str,
    align: CellAlignment,
    wraps: bool,
}

/// A column of text.
pub(super) const fn text(title: &'static str) -> Column {
    Column { title, align: CellAlignment::Left, wraps: true }
}

/// A column of names that a person copies: never broken in two.
pub(super) const fn name(title: &'static str) -> Column {
    Column { title, align: CellAlignment::Left, wraps: false }
}

/// A column of numbers.
pub(super) const fn number(title: &'static str) -> Column {
    Column { title, align: CellAlignment::Right, wraps: false }
}

/// The narrowest that a text is wrapped to, in characters: in a window that is too small for it,
/// the terminal breaks lines better than we do.
const WRAPPED_MIN: u16 = 24;

/// Columns side by side under a line.
const UNDERLINED: TableStyle = presets::NOTHING.header_separator(LineStyle::none().fill('─'));

/// Rows under titles.
#[derive(Clone, Debug)]
pub(super) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: &'static [Column]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    /// Adds a row: a cell for each column.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| printable(cell)).collect());
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as text, with a line end at its end.
    pub fn render(&self, look: Look) -> String {
        let mut table = comfy_table::Table::new();
        match look {
            Look::Terminal => {
                table.load_style(UNDERLINED);
                table.set_content_arrangement(ContentArrangement::Dynamic);
            }
            Look::Plain => {
                table.load_style(presets::NOTHING);
            }
        }
        table.set_header(self.columns.iter().map(|column| column.title));
        table.add_rows(&self.rows);
        for (drawn, column) in table.column_iter_mut().zip(self.columns) {
            drawn.set_cell_alignment(column.align);
            drawn.set_padding((0, 2));
            if look == Look::Terminal {
                drawn.set_constraint(match column.wraps {
                    true => ColumnConstraint::LowerBoundary(Width::Fixed(WRAPPED_MIN)),
                    false => ColumnConstraint::ContentWidth,
                });
            }
        }
        let mut drawn = table.trim_fmt();
        drawn.push('\n');
        drawn
    }
}

/// Documents hold texts of other programs: none of them may move the cursor or break a row.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An instant, to the second.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A number as it is, without zeros at its end.
pub(super) fn exact(number: Decimal) -> String {
    number.normalize().to_string()
}

/// A price or an amount: no fewer than two decimals, no more than four.
pub(super) fn money(amount: Decimal) -> String {
    let mut rounded = amount.round_dp(4).normalize();
    if rounded.scale() < 2 {
        rounded.rescale(2);
    }
    rounded.to_string()
}

/// A cell that may have nothing to say.
pub(super) fn or_dash<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[name("name"), number("units"), text("why")];

    fn sample() -> Table {
        let mut table = Table::new(COLUMNS);
        table.row(["balanced".to_owned(), "12".to_owned(), "first\n\u{1b}[2Jsecond".to_owned()]);
        table.row(["tactical".to_owned(), "1204.5".to_owned(), String::new()]);
        table
    }

    #[test]
    fn a_plain_table_is_aligned_and_has_one_line_a_row() {
        insta::assert_snapshot!(sample().render(Look::Plain), @r"
        name       units  why
        balanced      12  first  [2Jsecond
        tactical  1204.5
        ");
    }

    #[test]
    fn a_table_on_a_terminal_is_underlined() {
        assert!(sample().render(Look::Terminal).contains('─'));
    }

    #[test]
    fn amounts_keep_their_cents_and_lose_their_noise() {
        let show = |text: &str| money(text.parse().unwrap());
        assert_eq!(show("5"), "5.00");
        assert_eq!(show("1.00345678"), "1.0035");
        assert_eq!(show("-0.5000"), "-0.50");
        assert_eq!(exact("604.000".parse().unwrap()), "604");
    }
}
