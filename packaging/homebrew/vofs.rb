# Homebrew: brew install --build-from-source --HEAD ./vofs.rb
class Vofs < Formula
  desc "VOSpace as a directory, and the v* commands"
  license any_of: ["MIT", "Apache-2.0"]
  # The place of the sources, which is wherever this file was taken from.
  head "file://#{Pathname(__dir__).parent.parent.expand_path}", using: :git, branch: "main"

  depends_on "rust" => :build

  # mountvofs asks the Linux kernel for what it needs; macFUSE is not supported yet.
  depends_on :linux

  def install
    system "cargo", "build", "--workspace", "--bins", "--profile", "dist", "--locked"
    system "packaging/install.sh", "install", prefix, "target/dist"
  end

  def caveats
    "mountvofs needs fusermount3 of the operating system (the package fuse3), which has to be a set-uid program."
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/vls --version") unless build.head?
    system bin/"vospaced", "sample", testpath/"sample"
  end
end
