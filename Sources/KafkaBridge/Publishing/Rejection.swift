/// Why an event can never be delivered as it is.
struct Rejection: Error, Sendable, Hashable {
    let reason: DeadLetter.Reason
    /// What is wrong, and what to do.
    let error: String
    /// The topic it was meant for, if it has one.
    var topic: String?

    /// The error cut to a length that a table, a log line and a header can hold: it may quote the event.
    var shortError: String { error.cut(toBytes: 2_000) }

    /// Nothing is wrong with the event itself.
    static let follows = Rejection(reason: .follows, error: "it waits behind an earlier event of its aggregate")
}

extension String {
    /// The text, or as much of its begin as fits into so many bytes, with a mark that it was cut.
    func cut(toBytes most: Int) -> String {
        if utf8.count <= most { return self }
        var end = utf8.index(startIndex, offsetBy: most)
        // Not within a character's bytes.
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end]) + "…"
    }
}
