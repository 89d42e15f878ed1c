/// The parameters of a search, as the query of a page or of the API has them. A pure value.
struct SearchTerms: Sendable {
    private let query: [String: String]

    /// - Parameters:
    ///   - names: all that there are.
    ///   - purpose: what others are not for, such as `to search by`.
    /// - Throws: for a name that is none of them.
    init(_ query: [String: String], of names: [String], for purpose: String) throws(Failure) {
        for name in query.keys.sorted() where !names.contains(name) {
            throw Failure(
                .usage,
                "\"\(LogLine.harmless(String(name.prefix(80))))\" is nothing \(purpose); there are "
                    + names.joined(separator: ", "))
        }
        self.query = query
    }

    /// A text without the spaces around it, as pasted texts have them; `nil` where none is given.
    func text(_ name: String, most bytes: Int = 2_000) throws(Failure) -> String? {
        guard let text = query[name]?.trimmed, !text.isEmpty else { return nil }
        guard text.utf8.count <= bytes, !text.utf8.contains(0) else {
            throw Failure(.usage, "\"\(name)\" must be a text of \(CountText.format(bytes)) bytes at most")
        }
        return text
    }

    /// A whole number, with or without commas.
    func number(_ name: String, _ range: ClosedRange<Int64>) throws(Failure) -> Int64? {
        guard let text = try text(name) else { return nil }
        guard let number = Int64(text.replacing(",", with: "")), range.contains(number) else {
            let bound = range.upperBound == .max ? "on" : "to \(range.upperBound)"
            throw Failure(
                .usage,
                "\"\(name)\" is \"\(LogLine.harmless(text))\", but must be a number from \(range.lowerBound) \(bound)")
        }
        return number
    }
}
