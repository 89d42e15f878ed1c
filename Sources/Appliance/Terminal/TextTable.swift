/// Columns of text, each as wide as its widest cell. Where a terminal is too narrow, the widest columns of texts are cut.
struct TextTable {
    private var rows: [[String]]
    private var tones: [[Terminal.Tone?]]
    /// The columns of numbers, which end at the same place.
    private let rightAligned: Set<Int>

    /// No column is cut to less.
    private static let narrowest = 8
    private static let gap = 2

    init(_ heads: [String], rightAligned: Set<Int>) {
        rows = [heads]
        tones = [heads.map { _ in .quiet }]
        self.rightAligned = rightAligned
    }

    /// - Parameter tones: of cells, by their columns.
    mutating func add(_ row: [String], tones: [Int: Terminal.Tone?] = [:]) {
        rows.append(row)
        self.tones.append(row.indices.map { tones[$0] ?? nil })
    }

    var text: String { text(on: .plain) }

    func text(on terminal: Terminal) -> String {
        let widths = widths(within: terminal.width)
        return zip(rows, tones).map { row, tones in
            let cells = row.indices.map { column in
                let cell = Self.cut(row[column], to: widths[column])
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                let painted = terminal.paint(cell, tones[column])
                if rightAligned.contains(column) { return padding + painted }
                return column == row.count - 1 ? painted : painted + padding
            }
            return cells.joined(separator: String(repeating: " ", count: Self.gap)) + "\n"
        }.joined()
    }

    private func widths(within width: Int?) -> [Int] {
        var widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + Self.gap * max(0, widths.count - 1) - width
        while excess > 0 {
            let texts = widths.indices.filter { !rightAligned.contains($0) && widths[$0] > Self.narrowest }
            guard let widest = texts.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private static func cut(_ cell: String, to width: Int) -> String {
        cell.count <= width ? cell : cell.prefix(width - 1) + "…"
    }
}
