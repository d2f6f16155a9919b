# Homebrew: brew install --build-from-source --HEAD ./vofs.rb
class Vofs < Formula
  desc "VOSpace as a directory, and the v* commands"
  license any_of: ["MIT", "Apache-2.0"]
  # The place of the sources, which is wherever this file was taken from.
  head "file://#{Pathname(__dir__).parent.parent.expand_path}", using: :git, branch: "main"

  depends_on "rust" => :build

  on_macos do
    # install(1) of the system has no -D; macFUSE is a cask, which no formula can ask for (see the caveats).
    depends_on "coreutils" => :build
    depends_on "pkgconf" => :build
  end

  def install
    if OS.mac?
      ENV.prepend_path "PATH", Formula["coreutils"].opt_libexec/"gnubin"
      ENV.append_path "PKG_CONFIG_PATH", "/usr/local/lib/pkgconfig"
    end
    system "cargo", "build", "--workspace", "--bins", "--profile", "dist", "--locked"
    system "packaging/install.sh", "install", prefix, "target/dist"
  end

  def caveats
    on_macos do
      return "Before this formula: brew install --cask macfuse. docs/macos.md has the rest, and a launchd agent."
    end
    "mountvofs needs fusermount3 of the operating system (the package fuse3), which has to be a set-uid program."
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/vls --version") unless build.head?
    system bin/"vospaced", "sample", testpath/"sample"
  end
end
