import Foundation
import TestSupport
import Testing

/// A headless Chromium, as the package `chromium` of Debian installs it.
struct Browser {
    struct Page {
        /// The document after the scripts have run.
        let dom: String
        /// What the page wrote to the console, violations of its security policy among it.
        let console: String
    }

    private let folder: URL

    static let program: String? = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// With a profile of its own, removed afterwards.
    static func with(_ body: (Browser) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: TestDatabase.uniqueName("browser"))
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(Browser(folder: folder))
    }

    /// Opens a page, lets its clock run for so long, and gives what it is then.
    func open(_ url: String, for milliseconds: Int) async throws -> Page {
        let result = try await run([
            "--virtual-time-budget=\(milliseconds)", "--enable-logging=stderr", "--dump-dom", url,
        ])
        let console = result.standardError.split(separator: "\n").filter { $0.contains("CONSOLE") }
        return Page(dom: result.standardOutput, console: console.joined(separator: "\n"))
    }

    /// The picture of a page, kept in the folder that `GODWIT_TEST_SCREENSHOTS` names if it names one.
    func picture(_ url: String, name: String, width: Int, height: Int, isDark: Bool) async throws -> Data {
        let kept = ProcessInfo.processInfo.environment["GODWIT_TEST_SCREENSHOTS"].map { URL(filePath: $0) }
        let file = (kept ?? folder).appending(path: "\(name)-\(width)-\(isDark ? "dark" : "light").png")
        _ = try await run(
            ["--window-size=\(width),\(height)", "--hide-scrollbars", "--screenshot=\(file.path)"]
                + (isDark ? ["--blink-settings=preferredColorScheme=0"] : []) + [url])
        return try Data(contentsOf: file)
    }

    /// A browser that is told what to do.
    func drive() async throws -> BrowserDriver {
        try await BrowserDriver(try #require(Self.program), common, folder: folder.path)
    }

    // Tests run as root in containers, where its sandbox does not.
    private var common: [String] {
        [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--user-data-dir=\(folder.appending(path: "profile").path)",
        ]
    }

    private func run(_ arguments: [String]) async throws -> Command.Result {
        try await Command(try #require(Self.program), common + arguments).run()
    }
}

extension Trait where Self == ConditionTrait {
    /// Left out without a browser, unless `GODWIT_BROWSER_TESTS=1` says that there has to be one.
    static var inBrowser: Self {
        .enabled(
            if: Browser.program != nil || ProcessInfo.processInfo.environment["GODWIT_BROWSER_TESTS"] == "1",
            "no Chromium is installed here")
    }
}
