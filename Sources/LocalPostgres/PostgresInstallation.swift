import FoundationEssentials

/// The server's programs on this machine.
package struct PostgresInstallation: Sendable {
    /// The folder that holds `initdb`, `postgres` and `pg_isready`.
    package let programs: String
    let majorVersion: Int

    private static let required = ["initdb", "pg_isready", "postgres"]

    /// Debian keeps each version in a folder of its own, off the PATH: the newest wins; then the PATH is looked at.
    package static func find(
        debian: String = "/usr/lib/postgresql",
        path: String = ProcessInfo.processInfo.environment["PATH"] ?? ""
    ) throws(LocalPostgresError) -> PostgresInstallation {
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: debian)) ?? []).compactMap(Int.init)
        for version in versions.sorted(by: >) {
            let programs = "\(debian)/\(version)/bin"
            if isComplete(programs) { return PostgresInstallation(programs: programs, majorVersion: version) }
        }
        for folder in path.split(separator: ":").map(String.init) where isComplete(folder) {
            return PostgresInstallation(programs: folder, majorVersion: 0)
        }
        throw LocalPostgresError(
            .notInstalled,
            "the PostgreSQL server is not installed: no initdb in \(debian)/*/bin nor on the PATH. "
                + "Install it with: apt-get install postgresql")
    }

    private static func isComplete(_ folder: String) -> Bool {
        required.allSatisfy { FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)") }
    }
}
