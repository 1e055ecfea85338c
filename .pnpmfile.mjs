// The node-* packages declare os and cpu as strings; pnpm only honours arrays and would
// otherwise install a Node.js for a foreign platform too.
export const hooks = {
  readPackage(pkg) {
    if (/^node-(bin-)?(linux|darwin|win)-/.test(pkg.name ?? '')) {
      pkg.os = [pkg.os].flat();
      pkg.cpu = [pkg.cpu].flat();
      if (pkg.os[0] === 'linux') pkg.libc = ['glibc'];
    }
    return pkg;
  },
};
