/// What of a record a reader hands on: copying what nobody looks at is most of its work.
package struct RecordExtract: Sendable {
    package static let everything = RecordExtract()

    /// A header's name, and the same as C has it.
    struct Name: Sendable {
        let text: String
        let characters: [CChar]

        init(_ text: String) {
            self.text = text
            characters = Array(text.utf8CString)
        }
    }

    /// `nil` for all headers.
    let headers: [Name]?
    let hasKey: Bool
    /// The value is handed on unless one of the first headers so many is there.
    let valueUnless: Int

    private init() { (headers, hasKey, valueUnless) = (nil, true, 0) }

    /// - Parameters:
    ///   - headers: the names of those that are wanted.
    ///   - needless: the names of those that make the value needless; they are wanted too.
    package init(headers: [String], valueUnless needless: [String] = [], key: Bool) {
        self.headers = (needless + headers).map { Name($0) }
        hasKey = key
        valueUnless = needless.count
    }
}
