package import FoundationEssentials
import Glibc

/// What a text is shown on: how many columns and lines there are, and whether it shows colours.
package struct Terminal: Sendable, Hashable {
    /// Columns; `nil` where a line may be of any length, as in a file.
    package var width: Int?
    /// Lines; `nil` where there may be any number.
    package var height: Int?
    package var hasColours: Bool

    /// A file, a pipe, or a terminal that is to be left as it is.
    package static let plain = Terminal(width: nil, height: nil, hasColours: false)

    package init(width: Int?, height: Int?, hasColours: Bool) {
        self.width = width
        self.height = height
        self.hasColours = hasColours
    }

    /// Asks the terminal behind a stream. `NO_COLOR` and `TERM=dumb` do without colours; `CLICOLOR_FORCE` has them in a pipe too.
    ///
    /// Sources: no-color.org; bixense.com/clicolors.
    package static func of(
        _ stream: StandardStream, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Terminal {
        func isSet(_ name: String) -> Bool { environment[name].map { !$0.isEmpty && $0 != "0" } ?? false }
        let refusesColours = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        guard stream.isTerminal else {
            return Terminal(width: nil, height: nil, hasColours: !refusesColours && isSet("CLICOLOR_FORCE"))
        }
        var size = winsize()
        let isKnown = ioctl(stream.rawValue, UInt(TIOCGWINSZ), &size) == 0
        func known(_ number: UInt16, _ name: String, _ usual: Int) -> Int {
            if isKnown, number > 0 { return Int(number) }
            return environment[name].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil } ?? usual
        }
        return Terminal(
            width: known(size.ws_col, "COLUMNS", 80), height: known(size.ws_row, "LINES", 24),
            hasColours: !refusesColours && environment["TERM"] != "dumb")
    }

    /// What a word is to say by its colour, besides by itself.
    package enum Tone: String, Sendable {
        case good = "32"
        case doubtful = "33"
        case bad = "31"
        /// Of less interest.
        case quiet = "2"
        case strong = "1"
    }

    package func paint(_ text: String, _ tone: Tone?) -> String {
        guard hasColours, let tone, !text.isEmpty else { return text }
        return "\u{1b}[\(tone.rawValue)m\(text)\u{1b}[0m"
    }

    /// As many lines as there is room for, with a line left to say how many more there are.
    package func fit(_ text: String) -> String {
        guard let height else { return text }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > height, height > 2 else { return text }
        let shown = lines.prefix(height - 2)
        return (shown + ["… \(lines.count - shown.count) more lines: make the window higher, or leave out --watch"])
            .joined(separator: "\n")
    }
}
