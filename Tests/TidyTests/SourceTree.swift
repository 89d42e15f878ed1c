import FoundationEssentials

/// The files of this repository, as the rules see them.
enum SourceTree {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A file with its path from the repository's root.
    struct File: Sendable {
        let path: String
        let text: String

        /// Its lines, without a last one that is empty.
        var lines: [Substring] {
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            return lines.last?.isEmpty == true ? lines.dropLast() : lines
        }

        /// `Consumers` for `Sources/Consumers/Worker/Worker.swift`.
        var target: String {
            let parts = path.split(separator: "/")
            return parts.count > 2 ? String(parts[1]) : ""
        }

        init(_ path: String, _ text: String) {
            self.path = path
            self.text = text
        }
    }

    /// All files below the folders whose names end so.
    static func files(in folders: String..., ending: String...) -> [File] {
        folders.flatMap { folder in
            guard let names = try? FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path)
            else { return [File]() }
            return names.sorted().filter { name in ending.contains { name.hasSuffix($0) } }
                .compactMap { file("\(folder)/\($0)") }
        }
    }

    static func file(_ path: String) -> File? {
        guard let data = try? Data(contentsOf: root.appending(path: path)) else { return nil }
        return File(path, String(decoding: data, as: UTF8.self))
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: root.appending(path: path).path)
    }

    /// Everything that a reader reads: sources, tests, the documentation and what is beside it.
    static let prose: [File] =
        files(
            in: "Sources", "Tests", "Benchmarks", "config", ".github", ending: ".swift", ".md", ".yml", ".yaml", ".py"
        )
        .filter { !$0.path.hasPrefix("Tests/TidyTests/") }
        + ["README.md", "CHANGELOG.md", "Makefile"].compactMap(file)
}

/// One place where a rule is broken.
struct Finding: Sendable, Hashable, CustomStringConvertible {
    let path: String
    /// Counted from 1.
    let line: Int
    let text: String

    var description: String { "\(path):\(line): \(text)" }
}

extension [Finding] {
    /// A line for each.
    var report: String { "\n" + map(\.description).joined(separator: "\n") }

    /// Those beyond what each file may still have, by the file's path; the limits may only shrink.
    func beyond(_ limits: [String: Int]) -> [Finding] {
        Dictionary(grouping: self, by: \.path).flatMap { path, found in
            found.count > limits[path] ?? 0 ? found : []
        }.sorted { ($0.path, $0.line) < ($1.path, $1.line) }
    }
}
