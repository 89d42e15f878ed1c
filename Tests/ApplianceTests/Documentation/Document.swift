import FoundationEssentials
import Testing

/// A page of the documentation, with its fenced blocks.
struct Document: Sendable, CustomTestStringConvertible {
    /// From the repository's root.
    let path: String
    let text: String
    let blocks: [FencedBlock]

    var testDescription: String { path }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }

    init(_ path: String) throws {
        self.path = path
        text = try Self.text(path)
        blocks = FencedBlock.all(in: text)
    }

    /// The README and every page of the catalogue.
    static let all: [Document] = {
        let catalogue = "Sources/godwit/Documentation.docc"
        let pages = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: catalogue).path)) ?? []
        let paths = ["README.md"] + pages.filter { $0.hasSuffix(".md") }.sorted().map { "\(catalogue)/\($0)" }
        return paths.compactMap { try? Document($0) }
    }()
}
