import FoundationEssentials
import Glibc

/// A folder that a test writes files to; others may read it, as servers of another user do. It goes with the test.
package final class TestFolder: Sendable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.path + "/" + TestDatabase.uniqueName("godwit-files")
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        chmod(path, 0o777)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Writes a file in one step, or, as careless programs do, over the old content; gives its path.
    @discardableResult
    package func write(_ name: String, _ text: String, atomically: Bool = true, isProgram: Bool = false) throws
        -> String
    {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(filePath: file), options: atomically ? .atomic : [])
        chmod(file, isProgram ? 0o755 : 0o644)
        return file
    }

    package func read(_ name: String) throws -> String { try Self.read("\(path)/\(name)") }

    package static func read(_ file: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
    }
}
