import Testing

@testable import KafkaBridge

/// The page of headers knows every header that a record is given.
@Suite struct HeaderReferenceTests {
    private let page = HeaderReference.markdown

    @Test func `every header of a dead letter is on the page`() {
        var record = CapturedRecord()
        var note = DeadLetterNote(
            reason: .tooLarge, error: "too large", consumer: "shop", segment: 1, position: 7, topic: "orders", time: 0,
            prefix: "")
        (note.omittedBytes, note.isMinimal) = (9, true)
        note.fill(&record)
        #expect(record.headers.count == DeadLetterNote.headers.count)
        for header in record.headers { #expect(page.contains("| `\(header.name)` |"), "\(header.name)") }
    }

    @Test func `every header of a republished record is on the page, and every column`() {
        for name in [Republication.jobHeader, Republication.timeHeader] + StandardHeaders.columns.map(\.name)
            + TraceHeaders.named.map(\.name)
        {
            #expect(page.contains("| `\(name)` |"), "\(name)")
        }
    }

    @Test func `the attribute of each column is its own`() {
        let names = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.compactMap { line in
            line.split(separator: "|").dropFirst().first.map { $0.filter { $0 != " " && $0 != "`" } }
        }.filter { $0.hasPrefix("ce_") }
        #expect(names.count >= 12 && Set(names).count == names.count, "\(names)")
    }
}
