import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is done with directories and whole files.
enum Directory {
    static func create(_ path: String) throws {
        var partial = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            partial += (partial.isEmpty || partial.hasSuffix("/") ? "" : "/") + part
            if mkdir(partial, 0o755) != 0 && errno != EEXIST { throw StorageError("create", partial, errno: errno) }
        }
    }

    static func entries(_ path: String) throws -> [String] {
        guard let directory = opendir(path) else { throw StorageError("list", path, errno: errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func removeFile(_ path: String) throws {
        guard unlink(path) == 0 || errno == ENOENT else { throw StorageError("delete", path, errno: errno) }
    }

    /// Removes a directory that holds files only.
    static func remove(_ path: String) throws {
        guard exists(path) else { return }
        for name in try entries(path) { try removeFile("\(path)/\(name)") }
        guard rmdir(path) == 0 else { throw StorageError("delete", path, errno: errno) }
    }

    /// Puts a file in another's place in one step: a crash leaves the one or the other.
    static func replaceFile(_ path: String, with bytes: ByteBuffer, sync: Bool) throws {
        let temporary = path + ".new"
        try removeFile(temporary)
        let file = try AppendFile(temporary)
        try file.append(bytes)
        if sync { try file.sync() }
        guard rename(temporary, path) == 0 else { throw StorageError("replace", path, errno: errno) }
        if sync { try syncParent(of: path) }
    }

    /// Forces the names in the parent directory to the disk.
    static func syncParent(of path: String) throws {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(parent, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StorageError("open", parent, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw StorageError("sync", parent, errno: errno) }
    }

    static func readFile(_ path: String) throws -> ByteBuffer? {
        guard exists(path) else { return nil }
        let file = try AppendFile(path)
        return try file.read(at: 0, count: Int(file.size))
    }
}
