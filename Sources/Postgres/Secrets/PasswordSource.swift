/// Where the password of each new connection comes from.
public enum PasswordSource: Sendable {
    /// The content of a file, one line.
    case file(String)
    /// The first line that a program prints.
    case command(PasswordCommand)

    func read() async throws(PostgresError) -> String {
        switch self {
        case .file(let path): try SecretFile(path: path, what: "password").readLine()
        case .command(let command): try await command.password()
        }
    }

    /// The server refused the password: what is kept of it is forgotten.
    func forget(_ password: String?) async {
        if case .command(let command) = self, let password { await command.forget(password) }
    }
}
