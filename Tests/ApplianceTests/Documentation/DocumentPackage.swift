import FoundationEssentials
import TestSupport

/// The package that a page shows file by file: the manifest is the block that names its tools' version, and each other file
/// the one whose first line is its path, as `// Sources/Accounts/Balances.swift`.
struct DocumentPackage {
    struct File {
        let path: String
        let content: String
    }

    let files: [File]

    init(_ document: Document) {
        files = document.blocks.filter { $0.language == "swift" }.compactMap { block in
            Self.path(of: block).map { File(path: $0, content: block.content) }
        }
    }

    /// Which file of its page's package a block is; `nil` if it is none.
    static func path(of block: FencedBlock) -> String? {
        let first = block.content.prefix { $0 != "\n" }
        if first.hasPrefix("// swift-tools-version:") { return "Package.swift" }
        guard first.hasPrefix("// "), first.hasSuffix(".swift"), first.contains("/") else { return nil }
        return String(first.dropFirst(3))
    }

    /// Writes the files into the folder, with Godwit's repository beside it.
    func write(to folder: String) throws {
        for file in files {
            let path = URL(filePath: "\(folder)/\(file.path)")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.content.utf8).write(to: path)
        }
        let repository = URL(filePath: folder).deletingLastPathComponent().appending(path: "godwit").path
        try FileManager.default.createSymbolicLink(
            atPath: repository, withDestinationPath: Document.root.path)
    }

    /// The paths of a target's files.
    func sources(of target: String) -> [String] {
        files.map(\.path).filter { $0.split(separator: "/").dropLast().last == target[...] }
    }
}

/// Swift's compiler, at the modules that were built for these tests. As another package's code does, what it compiles sees only
/// what is public. To build Godwit once more as that package's dependency would take minutes.
struct PackageCompiler {
    let folder: String

    /// Compiles the files as a module, which later ones may import.
    func compile(_ module: String, _ sources: [String], isProgram: Bool = false) async throws -> Command.Result {
        let built = Command.builtFolder
        var arguments = [
            "-C", folder, "swiftc", "-swift-version", "6", "-module-name", module, "-I", "modules",
            "-I", "\(built)/Modules", "-I", Document.root.appending(path: "Sources/CLibPQ").path,
            "-I", Document.root.appending(path: "Sources/COpenSSL").path,
        ]
        for flag in try await Command("/usr/bin/env", ["pkg-config", "--cflags", "libpq"]).run().standardOutput
            .split(whereSeparator: \.isWhitespace)
        {
            arguments += ["-Xcc", String(flag)]
        }
        if isProgram {
            arguments.append("-typecheck")
        } else {
            try FileManager.default.createDirectory(
                atPath: "\(folder)/modules", withIntermediateDirectories: true)
            arguments += [
                "-parse-as-library", "-emit-module", "-emit-module-path", "modules/\(module).swiftmodule",
            ]
        }
        return try await Command("/usr/bin/env", arguments + sources).run()
    }
}
