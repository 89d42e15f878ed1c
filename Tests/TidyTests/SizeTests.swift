import Testing

/// Files of one idea: none over 400 lines, and few so small that a reader looks for them in vain.
@Suite struct SizeTests {
    static let most = 400
    /// Longer ones, with their length. They may only shrink, and go from this list once they are short enough.
    static let longer = [
        "Sources/KafkaBridge/Publishing/KafkaPublisher.swift": 437,
        "Sources/KafkaBridge/Publishing/DeliveryState.swift": 409,
        "Tests/KafkaBridgeTests/Publishing/DeliveryHistory.swift": 651,
        "Tests/SimulationTests/Simulation/RelayConsumer.swift": 445,
    ]
    /// How many files of the sources have fewer than 25 lines. May only shrink: each is to be a name that a reader looks for.
    static let mostSmall = 83

    private static let swift = SourceTree.files(in: "Sources", "Tests", "Benchmarks", ending: ".swift")

    static func tooLong(_ files: [SourceTree.File]) -> [Finding] {
        files.filter { $0.lines.count > longer[$0.path] ?? most }.map {
            Finding(path: $0.path, line: $0.lines.count, text: "more than \(longer[$0.path] ?? most) lines: split it")
        }
    }

    @Test func `no file has more than 400 lines`() {
        #expect(Self.swift.count > 500)
        let found = Self.tooLong(Self.swift)
        #expect(found.isEmpty, "\(found.report)")
    }

    @Test func `what is excepted is there, and still too long`() {
        for path in Self.longer.keys {
            let count = SourceTree.file(path)?.lines.count
            #expect(count ?? 0 > Self.most, "\(path) needs no exception any more")
        }
    }

    @Test func `small files do not become more`() {
        let small = Self.swift.filter { $0.path.hasPrefix("Sources/") && $0.lines.count < 25 }
        #expect(small.count <= Self.mostSmall, "\(small.map(\.path))")
        #expect(small.count > Self.mostSmall - 10, "there are only \(small.count) any more: lower the limit")
    }

    @Test func `a file that is too long is found`() {
        let text = String(repeating: "//\n", count: Self.most + 1)
        #expect(Self.tooLong([SourceTree.File("a.swift", text)]).count == 1)
        #expect(Self.tooLong([SourceTree.File("a.swift", String(text.dropFirst(3)))]).isEmpty)
    }

    @Test func `the first page has fewer than 150 lines`() throws {
        #expect(try #require(SourceTree.file("README.md")).lines.count < 150)
    }
}
