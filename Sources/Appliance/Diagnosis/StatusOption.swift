/// What the command takes and writes, as text.
package enum StatusOption {
    /// `500ms`, `30s`, `5m`; above zero.
    package static func duration(_ text: String) -> Duration? {
        DurationText.parse(text).flatMap { $0 > .zero ? $0 : nil }
    }

    /// Has a terminal begin at its top again.
    package static let clearScreen = "\u{1B}[H\u{1B}[2J"
}
