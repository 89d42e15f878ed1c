import Glibc

/// Runs a program without a shell, and takes the first line of its output as a password. Blocks.
///
/// The program has a process group of its own, which is killed when the time is up. A child that it leaves behind and
/// that keeps the output open is not waited for.
struct ProgramRun: Sendable {
    /// The program and its arguments.
    let words: [String]
    let timeLimit: Duration

    /// More output than any token; what is beyond is read and dropped, so that the program does not block.
    private static let largest = 64 * 1024
    /// How often a program that says nothing is looked after, in milliseconds.
    private static let slice: Int32 = 20

    /// What a program wrote, and how it ended.
    private struct Ending {
        var output: [UInt8] = []
        var error: [UInt8] = []
        var status: Int32?
    }

    func password(stop: StopFlag) -> Result<String, PostgresError> {
        do throws(PostgresError) {
            let ending = try run(stop)
            return .success(try password(of: ending))
        } catch {
            return .failure(error)
        }
    }

    private func password(of ending: Ending) throws(PostgresError) -> String {
        guard let status = ending.status else {
            throw failure("did not end within \(timeLimit)", ending)
        }
        // The lower seven bits are the signal that ended it, the next byte is the exit code.
        if status & 0x7F != 0 { throw failure("was ended by signal \(status & 0x7F)", ending) }
        if status >> 8 & 0xFF != 0 { throw failure("ended with exit code \(status >> 8 & 0xFF)", ending) }
        if ending.output.count >= Self.largest { throw failure("printed more than 64 KiB", ending) }
        var line = ending.output.prefix { $0 != UInt8(ascii: "\n") }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if line.isEmpty { throw failure("printed no password", ending) }
        guard let text = String(validating: line, as: UTF8.self), !text.utf8.contains(0) else {
            throw failure("printed what is not UTF-8 text", ending)
        }
        return text
    }

    /// Names the program without its arguments, and shows what it said on standard error, never its output.
    private func failure(_ reason: String, _ ending: Ending = Ending()) -> PostgresError {
        let lines = ending.error.split(separator: UInt8(ascii: "\n"))
        var said = lines.last.map { line in
            String(decoding: line.prefix(300), as: UTF8.self).filter { !$0.isNewline && $0 != "\0" }
        }
        // What it printed may be the password, which its complaint may name.
        for line in ending.output.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let text = String(decoding: line, as: UTF8.self)
            if !text.isEmpty { said = said?.replacing(text, with: "***") }
        }
        let words = said.map { ", and says: \($0)" } ?? ""
        return PostgresError(.secretUnavailable, "the password command \(self.words.first ?? "") \(reason)\(words)")
    }

    // MARK: The process

    private func run(_ stop: StopFlag) throws(PostgresError) -> Ending {
        let output = try pipe()
        defer { close(output.read) }
        let process: pid_t
        let errorOutput: (read: Int32, write: Int32)
        do {
            // The program has what it writes to, and its end shows only when nobody else has.
            defer { close(output.write) }
            errorOutput = try pipe()
            defer { close(errorOutput.write) }
            process = try spawn(output: output.write, error: errorOutput.write)
        }
        defer { close(errorOutput.read) }
        return follow(process, output: output.read, error: errorOutput.read, stop)
    }

    private func pipe() throws(PostgresError) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw failure("gets no pipe: \(systemText(errno))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }

    /// What this process has open: connections and sockets are none of the program's business.
    private static func openDescriptors() -> [Int32] {
        guard let folder = unsafe opendir("/proc/self/fd") else { return [] }
        defer { unsafe closedir(folder) }
        var descriptors: [Int32] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafeBytes(of: unsafe entry.pointee.d_name) { bytes in
                String(decoding: unsafe bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let descriptor = Int32(name), descriptor > 2 { descriptors.append(descriptor) }
        }
        return descriptors
    }

    private func spawn(output: Int32, error: Int32) throws(PostgresError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, error, 2)
        for descriptor in Self.openDescriptors() { unsafe posix_spawn_file_actions_addclose(&actions, descriptor) }

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // The thread that spawns blocks all signals, and this process may ignore some.
        var none = sigset_t()
        var all = sigset_t()
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))

        let copies = unsafe words.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let status = unsafe posix_spawnp(&process, words.first ?? "", &actions, &attributes, copies + [nil], environ)
        guard status == 0 else { throw failure("cannot be started: \(systemText(status))") }
        return process
    }

    /// Reads what the process writes until it has ended, or the time is up.
    private func follow(_ process: pid_t, output: Int32, error: Int32, _ stop: StopFlag) -> Ending {
        var ending = Ending()
        let deadline = ContinuousClock.now.advanced(by: timeLimit)
        while true {
            var descriptors = [
                pollfd(fd: output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: error, events: Int16(POLLIN), revents: 0),
            ]
            // At a pipe's end `poll` returns at once: then only the process is waited for.
            let isOpen = Self.take(output, &ending.output)
            let isErrorOpen = Self.take(error, &ending.error)
            if !isOpen { descriptors[0].fd = -1 }
            if !isErrorOpen { descriptors[1].fd = -1 }
            var status: Int32 = 0
            if unsafe waitpid(process, &status, WNOHANG) == process {
                _ = Self.take(output, &ending.output)
                _ = Self.take(error, &ending.error)
                ending.status = status
                return ending
            }
            if deadline <= .now || stop.isRaised {
                kill(-process, SIGKILL)
                while unsafe waitpid(process, &status, 0) < 0 && errno == EINTR {}
                return ending
            }
            unsafe poll(&descriptors, 2, isOpen || isErrorOpen ? Self.slice : 2)
        }
    }

    /// Takes what is there; `false` at the pipe's end.
    private static func take(_ descriptor: Int32, _ bytes: inout [UInt8]) -> Bool {
        var part = [UInt8](repeating: 0, count: 4096)
        // Not to the end: a program that writes faster than is read here has its time limit too.
        for _ in 0..<16 {
            let count = unsafe read(descriptor, &part, part.count)
            if count == 0 { return false }
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            if bytes.count < largest { bytes += part[..<count] }
        }
        return true
    }
}
