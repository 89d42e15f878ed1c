import Testing

/// What the sources may not have, and what they must have.
@Suite struct SymbolTests {
    private static let sources = SourceTree.files(in: "Sources", ending: ".swift")

    /// Public declarations without a documentation comment. Kafka's error codes are Kafka's names.
    static func undocumented(in file: SourceTree.File) -> [Finding] {
        let lines = file.lines
        return lines.indices.compactMap { index in
            let line = lines[index].drop { $0 == " " }
            let words = line.split(separator: " ", maxSplits: 4)
            guard words.prefix(3).contains("public"), !line.hasPrefix("//"), !words.contains("import"),
                !line.contains("= KafkaErrorCode(")
            else { return nil }
            var before = index - 1
            while before >= 0, lines[before].drop(while: { $0 == " " }).hasPrefix("@") { before -= 1 }
            let isDocumented = before >= 0 && lines[before].drop { $0 == " " }.hasPrefix("///")
            return isDocumented ? nil : Finding(path: file.path, line: index + 1, text: "no documentation: \(line)")
        }
    }

    @Test func `every public symbol is documented`() {
        let found = Self.sources.flatMap(Self.undocumented)
        #expect(found.isEmpty, "\(found.report)")
        let bad = SourceTree.File("a.swift", "@frozen\n/// A.\n@frozen\npublic struct A {\n    public init() {}\n}")
        #expect(Self.undocumented(in: bad).map(\.line) == [5])
    }

    /// What ends the process, by how often a file may still have it: each is an invariant of the program itself.
    static let ends = ["try!", "fatalError(", "preconditionFailure(", " as! "]
    static let mayEnd = [
        "Sources/Kafka/Producing/ProducerLife.swift": 2, "Sources/Postgres/Copy/CopyArena.swift": 1,
        "Sources/Consumers/Reading/FeedBatch+Events.swift": 1,
    ]

    static func endings(in file: SourceTree.File) -> [Finding] {
        file.lines.enumerated().compactMap { index, line in
            guard !line.drop(while: { $0 == " " }).hasPrefix("//"), let word = ends.first(where: { line.contains($0) })
            else { return nil }
            return Finding(path: file.path, line: index + 1, text: "\(word) ends the process: throw an error")
        }
    }

    @Test func `nothing that comes from outside can end the process`() {
        let found = Self.sources.flatMap(Self.endings).beyond(Self.mayEnd)
        #expect(found.isEmpty, "\(found.report)")
        #expect(Self.endings(in: SourceTree.File("a.swift", "let a = try! b()")).count == 1)
    }

    static func unexplained(in file: SourceTree.File) -> [Finding] {
        let lines = file.lines
        return lines.indices.compactMap { index in
            let line = lines[index]
            let isCode = !line.drop(while: { $0 == " " }).hasPrefix("//")
            guard line.contains("@unchecked Sendable"), isCode else { return nil }
            let isExplained = lines[max(0, index - 8)..<index].contains { $0.contains("`@unchecked Sendable`: ") }
            return isExplained ? nil : Finding(path: file.path, line: index + 1, text: "say above why this is safe")
        }
    }

    @Test func `what the compiler cannot check about threads is explained`() {
        let found = Self.sources.flatMap(Self.unexplained)
        #expect(found.isEmpty, "\(found.report)")
        #expect(Self.unexplained(in: SourceTree.File("a.swift", "final class A: @unchecked Sendable {}")).count == 1)
    }
}
