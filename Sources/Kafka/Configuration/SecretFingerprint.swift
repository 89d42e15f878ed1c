internal import FoundationEssentials

/// What the files that a client's secrets and certificates come from hold, to be compared.
struct SecretFingerprint: Sendable, Equatable {
    /// By path; nil where a file cannot be read or is empty, as it is for a moment while it is replaced.
    private let contents: [String: Data?]

    /// Reads the files.
    init(of configuration: ClientConfiguration) {
        let locations = configuration.properties.filter { $0.key.hasPrefix("ssl.") && $0.key.hasSuffix(".location") }
        let paths = Set(locations.values).union(configuration.secretFiles.values).filter(Self.mayBeFile)
        contents = Dictionary(uniqueKeysWithValues: paths.map { ($0, Self.content(of: $0)) })
    }

    /// Whether every file could be read.
    var isComplete: Bool { contents.values.allSatisfy { $0 != nil } }

    /// The location of certificates may also be a folder, or `probe`.
    private static func mayBeFile(_ path: String) -> Bool {
        if path == "probe" { return false }
        var isFolder = false
        return !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) || !isFolder
    }

    private static func content(of path: String) -> Data? {
        (try? Data(contentsOf: URL(filePath: path))).flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension ClientConfiguration {
    /// With what the files of ``secretFiles`` hold now; one that cannot be read leaves the value as it was.
    var withCurrentSecrets: ClientConfiguration {
        var copy = self
        for (property, path) in secretFiles {
            if let secret = Self.secret(in: path) { copy.properties[property] = secret }
        }
        return copy
    }

    /// The content of a file without a byte order mark at its front and the line break at its end; nil if it cannot be read or is empty.
    static func secret(in path: String) -> String? {
        guard let data = try? Data(contentsOf: URL(filePath: path)),
            var text = String(validating: data, as: UTF8.self)
        else { return nil }
        if text.unicodeScalars.first == "\u{FEFF}" { text.unicodeScalars.removeFirst() }
        let end = text.hasSuffix("\r\n") || text.hasSuffix("\n") ? 1 : 0
        let secret = String(text.dropLast(end))
        return secret.isEmpty ? nil : secret
    }
}
