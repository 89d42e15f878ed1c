import Glibc
import LocalPostgres
import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// Passwords that are kept in files or given by programs, and change while connections come and go.
@Suite struct SecretTests {
    private func withCluster(_ body: (LocalPostgres, Connection) async throws -> Void) async throws {
        var options = LocalPostgres.Options()
        options.authentication = .scram(password: "first")
        let cluster = try await LocalPostgres.start(options)
        do {
            // The socket asks for no password.
            let admin = try await Connection.open(
                ConnectionConfiguration(
                    "host=\(cluster.socketDirectory) port=\(cluster.port) user=postgres dbname=postgres"),
                logger: quiet)
            try await body(cluster, admin)
            await admin.close()
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    private func setPassword(_ password: String, _ admin: Connection) async throws {
        try await admin.execute(script: "ALTER ROLE postgres PASSWORD '\(password)'")
    }

    private func configuration(_ cluster: LocalPostgres, _ source: PasswordSource) throws -> ConnectionConfiguration {
        var configuration = try ConnectionConfiguration(cluster.url(user: "postgres", password: "stale"))
        configuration.passwordSource = source
        return configuration
    }

    private func opens(_ configuration: ConnectionConfiguration) async throws {
        let connection = try await Connection.open(configuration, logger: quiet)
        await connection.close()
    }

    @Test func `what a program wrote around a password is taken off, and more than one line is refused by name`() throws
    {
        let folder = try TestFolder()
        for text in ["hush", "hush\n", "hush\r\n", "\u{FEFF}hush\n"] {
            #expect(try SecretFile(path: folder.write("password", text), what: "password").readLine() == "hush")
        }
        for text in ["hush\n\n", "hu\nsh", "hu\rsh"] {
            let file = try folder.write("password", text)
            let error = #expect(throws: PostgresError.self) { try SecretFile(path: file, what: "password").readLine() }
            #expect(error?.message.hasSuffix("holds more than one line") == true)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a password file is read again for each connection`() async throws {
        let folder = try TestFolder()
        try await withCluster { cluster, admin in
            let file = try folder.write("password", "first\n")
            let configuration = try configuration(cluster, .file(file))
            try await opens(configuration)
            try await setPassword("second", admin)
            let refused = await #expect(throws: PostgresError.self) { try await opens(configuration) }
            #expect(refused?.code == .authentication)
            try folder.write("password", "second\r\n")
            try await opens(configuration)

            try folder.write("password", "", atomically: false)
            let empty = await #expect(throws: PostgresError.self) { try await opens(configuration) }
            #expect(empty?.code == .secretUnavailable && empty?.isConnectionFailure == true)
            #expect(empty?.message == "the password file \(file) is empty")
            unlink(file)
            let missing = await #expect(throws: PostgresError.self) { try await opens(configuration) }
            #expect(missing?.message == "the password file \(file) cannot be read: No such file or directory")
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a file with the connection string is read again for each connection`() async throws {
        let folder = try TestFolder()
        try await withCluster { cluster, admin in
            var configuration = try ConnectionConfiguration("host=nowhere.invalid password=first")
            configuration.connectionStringFile = try folder.write("url", cluster.url + "\n")
            try await opens(configuration)
            try await setPassword("second", admin)
            try folder.write("url", cluster.url(user: "postgres", password: "second"))
            try await opens(configuration)
            try folder.write("url", "nonsense://")
            let wrong = await #expect(throws: PostgresError.self) { try await opens(configuration) }
            #expect(wrong?.code == .secretUnavailable)
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a refused secret is read again before the connection fails`() async throws {
        let folder = try TestFolder()
        try await withCluster { cluster, admin in
            try await setPassword("second", admin)
            let configuration = try configuration(cluster, .file(try folder.write("password", "first")))
            async let opened: Void = opens(configuration)
            try await Task.sleep(for: .milliseconds(300))
            try folder.write("password", "second")
            try await opened
        }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a command gives the password, and connections at one time share a run`() async throws {
        let folder = try TestFolder()
        try await withCluster { cluster, admin in
            let program = try folder.write(
                "token", "#!/bin/sh\necho run >>\(folder.path)/runs\nsleep 0.3\ncat \"$1\"\necho more\n",
                isProgram: true)
            let file = try folder.write("password", "first\n")
            let configuration = try configuration(cluster, .command(PasswordCommand([program, file])))
            try await withThrowingTaskGroup { group in
                for _ in 0..<5 { group.addTask { try await opens(configuration) } }
                try await group.waitForAll()
            }
            #expect(try folder.read("runs") == "run\n")
            // What the server refused is not used again, however fresh it is.
            try folder.write("password", "second\n")
            try await setPassword("second", admin)
            try await opens(configuration)
            #expect(try folder.read("runs") == "run\nrun\n")
        }
    }

    private func failure(_ words: [String], within limit: Duration = .seconds(5)) async throws -> PostgresError? {
        var configuration = try ConnectionConfiguration("host=/nowhere user=nobody")
        configuration.passwordSource = .command(PasswordCommand(words, timeLimit: limit))
        return await #expect(throws: PostgresError.self) { try await opens(configuration) }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a command that fails says why on its standard error, and never shows its output`() async throws {
        let script = "echo hush; echo 'one thing' >&2; echo 'token expired' >&2; exit 3"
        let failed = try await failure(["/bin/sh", "-c", script])
        #expect(failed?.code == .secretUnavailable)
        #expect(
            failed?.message
                == "the password command /bin/sh ended with exit code 3, and says: token expired")
        #expect(try await failure(["/bin/true"])?.message == "the password command /bin/true printed no password")
        #expect(
            try await failure(["no-such-program"])?.message
                == "the password command no-such-program cannot be started: No such file or directory")
        #expect(
            try await failure(["/bin/sh", "-c", "kill -9 $$"])?.message
                == "the password command /bin/sh was ended by signal 9")
        let long = try await failure(["/bin/sh", "-c", "yes x | tr -d '\\n' | head -c 9000 >&2; exit 1"])
        #expect((long?.message.utf8.count ?? 0) < 400)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a command that takes too long is killed with what it started`() async throws {
        let folder = try TestFolder()
        let clock = ContinuousClock.now
        let script = "sleep 1000 & echo $! >\(folder.path)/child; wait"
        let late = try await failure(["/bin/sh", "-c", script], within: .milliseconds(500))
        #expect(late?.message == "the password command /bin/sh did not end within 0.5 seconds")
        #expect(ContinuousClock.now - clock < .seconds(5))
        let child = Int32(try folder.read("child").split(separator: "\n").first ?? "") ?? 0
        try await eventually("the child is gone") { kill(child, 0) != 0 || isZombie(child) }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a command that prints without end has its time limit too`() async throws {
        let late = try await failure(["/usr/bin/yes"], within: .milliseconds(500))
        #expect(late?.message == "the password command /usr/bin/yes did not end within 0.5 seconds")
    }

    /// Servers lock out who sends a wrong password often.
    @Test func `what the server has refused is not sent again for a while`() {
        let (secrets, start) = (RefusedSecrets(), ContinuousClock.now)
        let error = PostgresError(.authentication, "no")
        secrets.note(["password": "old"], error, now: start)
        #expect(secrets.refusal(of: ["password": "old"], now: start + .seconds(4)) == error)
        #expect(secrets.refusal(of: ["password": "new"], now: start + .seconds(4)) == nil)
        #expect(secrets.refusal(of: ["password": "old"], now: start + .seconds(6)) == nil)
    }

    @Test(.timeLimit(.minutes(1)))
    func `what a command leaves running is not waited for`() async throws {
        let clock = ContinuousClock.now
        let ended = try await failure(["/bin/sh", "-c", "setsid sleep 5 & exit 4"])
        #expect(ended?.message == "the password command /bin/sh ended with exit code 4")
        #expect(ContinuousClock.now - clock < .seconds(3))
    }

    @Test(.timeLimit(.minutes(1)))
    func `connecting can be cancelled while a command runs`() async throws {
        var configuration = try ConnectionConfiguration("host=/nowhere user=nobody")
        configuration.passwordSource = .command(PasswordCommand(["sleep", "30"], timeLimit: .seconds(30)))
        let task = Task { [configuration] in try await opens(configuration) }
        try await Task.sleep(for: .milliseconds(200))
        let clock = ContinuousClock.now
        task.cancel()
        let error = await #expect(throws: PostgresError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(ContinuousClock.now - clock < .seconds(2))
    }

    @Test(.timeLimit(.minutes(2)), arguments: [true, false])
    func `a password that changes all the time stops nothing`(byCommand: Bool) async throws {
        let folder = try TestFolder()
        try await withCluster { cluster, admin in
            let file = try folder.write("password", "first")
            let source = byCommand ? PasswordSource.command(PasswordCommand(["cat", file])) : .file(file)
            let configuration = try configuration(cluster, source)
            try await withThrowingTaskGroup { group in
                for _ in 0..<3 {
                    group.addTask {
                        let end = ContinuousClock.now.advanced(by: .seconds(8))
                        while ContinuousClock.now < end {
                            do { try await opens(configuration) } catch let error as PostgresError
                                where error.code == .authentication
                            {
                                // On a busy machine the server may have a new password for longer than is waited for the
                                // file to have it; what lasts is a failure.
                                try await Task.sleep(for: .seconds(2))
                                try await opens(configuration)
                            }
                        }
                    }
                }
                for number in 0..<16 {
                    try await setPassword("changed-\(number)", admin)
                    try folder.write("password", "changed-\(number)")
                    try await Task.sleep(for: .milliseconds(500))
                }
                try await group.waitForAll()
            }
        }
    }

    private func isZombie(_ process: Int32) -> Bool {
        (try? TestFolder.read("/proc/\(process)/status").contains("State:\tZ")) ?? true
    }
}

/// Work that several callers wait for.
@Suite struct SharedWorkTests {
    @Test func `callers at one time share a run, and one that is cancelled leaves it to the others`() async throws {
        let work = SharedWork<Int>()
        let runs = Mutex(0)
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let body: @Sendable () async -> Result<Int, PostgresError> = {
            let run = runs.withLock { runs in
                runs += 1
                return runs
            }
            for await _ in gate { break }
            return Task.isCancelled ? .failure(PostgresError(.cancelled, "cancelled")) : .success(run)
        }
        let first = Task { try await work.value(body) }
        try await eventually("the work has begun") { runs.withLock { $0 } == 1 }
        let second = Task { try await work.value(body) }
        try await eventually("both wait") { await work.callersWaiting == 2 }
        first.cancel()
        let error = await #expect(throws: PostgresError.self) { try await first.value }
        #expect(error?.code == .cancelled)
        open.yield()
        #expect(try await second.value == 1)
    }

    @Test func `work that nobody waits for is cancelled`() async throws {
        let work = SharedWork<Int>()
        let ended = Mutex(false)
        let only = Task {
            try await work.value {
                try? await Task.sleep(for: .seconds(60))
                ended.withLock { $0 = true }
                return .success(1)
            }
        }
        try await eventually("it waits") { await work.callersWaiting == 1 }
        only.cancel()
        await #expect(throws: PostgresError.self) { try await only.value }
        try await eventually("the work has ended") { ended.withLock { $0 } }
    }
}
