import FoundationEssentials
import TestSupport
import Testing

/// The page "Use it in your package" is a package: its files are compiled as one outside of the repository.
@Suite(.serialized) struct PackagePageTests {
    private func withPackage(_ body: (DocumentPackage, _ folder: String) async throws -> Void) async throws {
        let page = try Document("Sources/godwit/Documentation.docc/UseItInYourPackage.md")
        let parent = FileManager.default.temporaryDirectory.appending(path: TestDatabase.uniqueName("godwit-page")).path
        let folder = parent + "/accounts"
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let package = DocumentPackage(page)
        try package.write(to: folder)
        try await body(package, folder)
    }

    @Test(.timeLimit(.minutes(3))) func `its sources and its test compile with what is public`() async throws {
        try await withPackage { package, folder in
            #expect(package.files.count >= 6)
            let compiler = PackageCompiler(folder: folder)
            for (target, isProgram) in [("Accounts", false), ("AccountsWorker", true), ("AccountsTests", false)] {
                let sources = package.sources(of: target)
                #expect(!sources.isEmpty)
                let result = try await compiler.compile(target, sources, isProgram: isProgram)
                #expect(result.exitCode == 0 && result.standardError.isEmpty, "\(target): \(result.standardError)")
            }
        }
    }

    @Test(.timeLimit(.minutes(3))) func `its manifest is right, and asks for products that there are`() async throws {
        try await withPackage { package, folder in
            let result = try await Command(
                "/usr/bin/env", ["swift", "package", "--package-path", folder, "dump-package"]
            ).run()
            try #require(result.exitCode == 0, "\(result.standardError)")
            let own = try JSONDecoder().decode(Manifest.self, from: Data(result.standardOutput.utf8))
            let wanted = own.targets.flatMap(\.dependencies).compactMap(\.product).filter { $0.contains("godwit") }
                .compactMap { $0[0] }
            #expect(Set(wanted) == ["Postgres", "EventSourcing", "Consumers", "EventStoreTesting"])
            // The package manager has locked this repository while its tests run, so its manifest is read as text.
            let godwit = try Document.text("Package.swift")
            for product in wanted { #expect(godwit.contains(".library(name: \"\(product)\""), "\(product)") }
            // Each target has files on the page.
            for target in own.targets { #expect(!package.sources(of: target.name).isEmpty, "\(target.name)") }
        }
    }

    /// What `swift package dump-package` says.
    private struct Manifest: Decodable {
        struct Target: Decodable {
            struct Dependency: Decodable {
                /// The product's name and its package's, among others.
                let product: [String?]?

                init(from decoder: any Decoder) throws {
                    let values = try decoder.container(keyedBy: CodingKeys.self)
                    // The last element is an object, or nothing.
                    product = try? values.decode([Element].self, forKey: .product).map(\.text)
                }
                enum CodingKeys: CodingKey { case product }
                struct Element: Decodable {
                    let text: String?
                    init(from decoder: any Decoder) throws {
                        text = try? decoder.singleValueContainer().decode(String.self)
                    }
                }
            }
            let name: String
            let dependencies: [Dependency]
        }
        let targets: [Target]
    }
}
