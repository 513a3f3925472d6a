package scala.tools.nsc.interpreter // for members that are private[nsc]

import scala.reflect.io.{AbstractFile, VirtualDirectory}
import scala.tools.nsc.Global
import scala.tools.nsc.classpath.{AggregateClassPath, PackageNameUtils, VirtualDirectoryClassPath}
import scala.tools.nsc.util.ClassPath

/** What the shell's compiler knows of a project's classes, exchanged while it lives. */
object ProjectSymbols {

  /** The compiler's class path as it is before a project is put in front. */
  def classPath(global: Global): ClassPath = global.platform.classPath

  def restore(global: Global, base: ClassPath): Unit = global.platform.currentClassPath = Some(base)

  /** Put these files first on the compiler's class path, and forget what it knew of some of their classes.
    *
    * As Global.invalidateClassPathEntries does, but by the class, not by the package: the symbol of a class that did not
    * change stays, and so fit the types of earlier lines.
    *
    * @param files path → bytes of class files
    * @param units paths of top-level classes, `demo/A`
    * @param unit gives a class's unit
    */
  def exchange(global: Global, base: ClassPath, files: Iterable[(String, Array[Byte])], units: Set[String], unit: String => String): Unit = {
    val root = new VirtualDirectory("project", None)
    files.foreach { case (path, bytes) => write(root, path.split('/').toList, bytes) }
    val project = new VirtualDirectoryClassPath(root)
    global.platform.currentClassPath = Some(AggregateClassPath.createAggregate(project, base))
    global.enteringTyper {
      units.groupBy(name => name.substring(0, name.lastIndexOf('/') + 1)).foreach { case (folder, gone) =>
        exchange(global, folder.stripSuffix("/").replace('/', '.'), name => gone.contains(unit(folder + name)), gone.contains(folder + "package"))
      }
    }
  }

  private def write(folder: AbstractFile, path: List[String], bytes: Array[Byte]): Unit = path match {
    case name :: Nil =>
      val out = folder.fileNamed(name).output
      try out.write(bytes) finally out.close()
    case name :: rest => write(folder.subdirectoryNamed(name), rest, bytes)
    case Nil =>
  }

  private def exchange(global: Global, name: String, isGone: String => Boolean, all: Boolean): Unit = {
    val classPath = global.platform.classPath
    val owner: global.Symbol = packageNamed(global)(name)
    if (all) {
      owner.setInfo(new global.loaders.PackageLoader(name, classPath))
    } else {
      val scope = owner.info.decls
      scope.toList.filter(symbol => !symbol.hasPackageFlag && isGone(symbol.rawname.encoded)).foreach(symbol => scope.unlink(symbol))
      PackageNames.entries(classPath, name).filter(entry => isGone(entry.name)).foreach(global.loaders.initializeFromClassPath(owner, _))
    }
  }

  /** The class of a package; it is made, with those above it, where the compiler has never heard of it. */
  private def packageNamed(global: Global)(name: String): global.Symbol =
    if (name.isEmpty) {
      global.rootMirror.EmptyPackageClass
    } else {
      val (above, last) = PackageNameUtils.separatePkgAndClassNames(name)
      val owner = if (above.isEmpty) global.rootMirror.RootClass else packageNamed(global)(above)
      val known = owner.info.decl(global.TermName(last))
      if (known.hasPackageFlag) known.moduleClass
      else global.loaders.enterPackage(owner, last, new global.loaders.PackageLoader(name, global.platform.classPath)).moduleClass
    }
}

private object PackageNames {
  import scala.tools.nsc.util.ClassRepresentation

  def entries(classPath: ClassPath, name: String): Seq[ClassRepresentation] = {
    val found = classPath.list(name)
    found.classesAndSources.toSeq
  }
}
